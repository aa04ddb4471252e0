using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>Fixed noise, the same on every machine: each value follows from its place and a seed alone.</summary>
internal static class FixedNoise
{
    /// <summary>Uniform noise of zero mean and unit variance <c>[1, channels, rows, columns]</c>.</summary>
    /// <param name="channels">How many planes.</param>
    /// <param name="rows">Their rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="place">Another number is other noise: where in a network it goes.</param>
    /// <param name="seed">Another number is other noise, for the same network.</param>
    public static Tensor Plane(int channels, int rows, int columns, int place, ulong seed = 0)
    {
        ulong beginning = seed == 0 ? 0 : Mixed(seed);
        var noise = torch.empty([1, channels, rows, columns], ScalarType.Float32);
        for (int channel = 0; channel < channels; channel++)
        {
            using var plane = noise.select(1, channel);
            var values = MemoryMarshal.Cast<byte, float>(plane.bytes);
            ulong first = ((ulong)place << 40) + (ulong)channel * (ulong)values.Length;
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)(Math.Sqrt(12) * (Uniform(beginning, first + (ulong)i) - 0.5));
        }
        return noise;
    }

    // SplitMix64 (Steele, Lea & Flood, 2014).
    private static double Uniform(ulong beginning, ulong index) => (Mixed(beginning + (index + 1) * 0x9E3779B97F4A7C15) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mixed(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>Fixed noise, the same on every machine: each value follows from its place alone.</summary>
internal static class FixedNoise
{
    /// <summary>Uniform noise of zero mean and unit variance <c>[1, channels, rows, columns]</c>.</summary>
    public static Tensor Plane(int channels, int rows, int columns, int place)
    {
        var noise = torch.empty([1, channels, rows, columns], ScalarType.Float32);
        for (int channel = 0; channel < channels; channel++)
        {
            using var plane = noise.select(1, channel);
            var values = MemoryMarshal.Cast<byte, float>(plane.bytes);
            ulong first = ((ulong)place << 40) + (ulong)channel * (ulong)values.Length;
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)(Math.Sqrt(12) * (Uniform(first + (ulong)i) - 0.5));
        }
        return noise;
    }

    // SplitMix64 (Steele, Lea & Flood, 2014).
    private static double Uniform(ulong index)
    {
        ulong z = (index + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}

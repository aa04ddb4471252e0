using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>In which numbers a photo is painted. Normalisation, and the photo itself, are always float32.</summary>
public enum SynthesisPrecision
{
    /// <summary>
    /// <see cref="BFloat16"/> on GPUs and on processors with AMX, which multiply such matrices many times as fast; <see cref="Float32"/>
    /// elsewhere, and of networks that are no cascade.
    /// </summary>
    Auto,

    /// <summary>float32; on the CPU by Winograd's convolutions where these pay.</summary>
    Float32,

    /// <summary>
    /// Convolutions in bfloat16, of 8 significant bits; with AVX512_BF16 alone by Winograd's where these pay, of which the products are in bfloat16 then: unless
    /// the processor multiplies float32 faster, which is measured the first time, and some do. They stay in float32 there, as that is nearer, too. A processor without
    /// such instructions (AVX512_BF16 or AMX) emulates them, slowly.
    /// Of networks that are no cascade, float32.
    /// </summary>
    BFloat16,
}

/// <summary>What a device has for bfloat16.</summary>
internal static class BFloat16Support
{
    // Intel's and AMD's CPUID, leaf 7: AMX-BF16 is EDX's bit 22 of subleaf 0, AVX512_BF16 EAX's bit 5 of subleaf 1.
    private const int Leaf = 7, AmxBit = 22, Avx512Bit = 5;

    private static readonly Lazy<bool> Faster = new(() => HasMatrixUnit(CPU) || MeasureProducts());

    /// <summary>
    /// Whether the processor's products of bfloat16 matrices are so much faster than float32's that they make up for rounding and for smaller tiles. The first call measures
    /// that, for some 20 ms: of processors with AVX512_BF16 some multiply twice as fast by it, and others half as fast.
    /// </summary>
    public static bool MultipliesFaster => Faster.Value;

    /// <summary>Whether it multiplies bfloat16 matrices by a unit of its own.</summary>
    public static bool HasMatrixUnit(Device device) => device.type == DeviceType.CUDA || X86Base.IsSupported && IsSet(X86Base.CpuId(Leaf, 0).Edx, AmxBit);

    /// <summary>Whether it computes in bfloat16 rather than emulate that.</summary>
    public static bool IsNative(Device device) => HasMatrixUnit(device) || X86Base.IsSupported && IsSet(X86Base.CpuId(Leaf, 1).Eax, Avx512Bit);

    private static bool MeasureProducts()
    {
        const int matrices = 4, side = 256, rounds = 5;
        const double enough = 1.5;
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var single = ones(matrices, side, side);
        var half = single.to(ScalarType.BFloat16);
        var (ofSingle, ofHalf) = (double.MaxValue, double.MaxValue);
        for (int round = 0; round < rounds; round++)
            (ofSingle, ofHalf) = (Math.Min(ofSingle, Seconds(single)), Math.Min(ofHalf, Seconds(half)));
        return ofHalf * enough < ofSingle;

        static double Seconds(Tensor factors)
        {
            var clock = Stopwatch.StartNew();
            factors.bmm(factors).Dispose();
            return clock.Elapsed.TotalSeconds;
        }
    }

    private static bool IsSet(int register, int bit) => (register >> bit & 1) != 0;
}

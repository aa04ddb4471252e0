using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>The inner loops of <see cref="WinogradConvolution"/>, with vectors of some width.</summary>
internal abstract unsafe class WinogradKernels
{
    /// <summary>Feature maps that <see cref="Multiply"/> makes at once.</summary>
    public const int Rows = 6;

    /// <summary>The most tiles that <see cref="Multiply"/> makes at once, whatever the width of vectors.</summary>
    public const int LargestPanel = 32;

    /// <summary>What this processor does best.</summary>
    public static WinogradKernels Best { get; } =
        Vector512.IsHardwareAccelerated ? new WinogradKernels<Lanes512, Vector512<float>>()
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? new WinogradKernels<Lanes256, Vector256<float>>()
        : new WinogradKernels<SingleLane, float>();

    /// <summary>Floats in a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Tiles that <see cref="Multiply"/> makes at once.</summary>
    public int Panel => 2 * Lanes;

    /// <summary>The transforms of F(4x4, 3x3).</summary>
    public abstract Winograd4x4 Of4x4 { get; }

    /// <summary>The transforms of F(6x6, 3x3).</summary>
    public abstract WinogradTransforms Of6x6 { get; }

    /// <summary>A panel's sums of products over the inputs: <c>sums[r][t] = sum over c of filters[c][r] * inputs[c][t]</c>.</summary>
    /// <param name="filters">For each input <see cref="Rows"/> numbers.</param>
    /// <param name="inputs">For each input <see cref="Panel"/> tiles.</param>
    /// <param name="count">How many inputs.</param>
    /// <param name="sums">Receives <see cref="Rows"/> rows of <see cref="Panel"/> sums.</param>
    /// <param name="row">Floats from one row of sums to the next.</param>
    /// <param name="isFurther">Whether the products are added to the sums that are there.</param>
    /// <param name="ahead">What of memory is wanted soon.</param>
    public abstract void Multiply(float* filters, float* inputs, int count, float* sums, int row, bool isFurther, in Ahead ahead);

    /// <summary><c>x * scale + shift</c>, times the slope where that is below 0.</summary>
    public abstract void Activate(float* source, float* destination, int count, float scale, float shift, float slope);
}

/// <summary>Memory that <see cref="WinogradKernels.Multiply"/> has fetched to the cache while it computes: some bytes on for each input.</summary>
internal readonly unsafe struct Ahead(void* filters, nint filtersStep, void* inputs, nint inputsStep)
{
    public readonly byte* Filters = (byte*)filters, Inputs = (byte*)inputs;
    public readonly nint FiltersStep = filtersStep, InputsStep = inputsStep;
}

/// <summary>The loops, with vectors of some width.</summary>
internal sealed unsafe class WinogradKernels<L, V> : WinogradKernels
    where L : ILanes<V>
    where V : struct
{
    public override int Lanes => L.Count;

    public override Winograd4x4 Of4x4 { get; } = new Winograd4x4<L, V>();

    public override WinogradTransforms Of6x6 { get; } = new Winograd6x6<L, V>();

    // Twelve sums and two vectors of inputs stay in registers, of which there are 16: enough sums to hide a product's latency.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(float* filters, float* inputs, int count, float* sums, int row, bool isFurther, in Ahead ahead)
    {
        byte* soonFilters = ahead.Filters, soonInputs = ahead.Inputs;
        nint filtersStep = ahead.FiltersStep, inputsStep = ahead.InputsStep;
        V s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default;
        V s30 = default, s31 = default, s40 = default, s41 = default, s50 = default, s51 = default;
        if (isFurther)
        {
            float* from = sums;
            (s00, s01) = (L.Load(from), L.Load(from + L.Count));
            (s10, s11) = (L.Load(from += row), L.Load(from + L.Count));
            (s20, s21) = (L.Load(from += row), L.Load(from + L.Count));
            (s30, s31) = (L.Load(from += row), L.Load(from + L.Count));
            (s40, s41) = (L.Load(from += row), L.Load(from + L.Count));
            (s50, s51) = (L.Load(from += row), L.Load(from + L.Count));
        }

        for (int c = 0; c < count; c++)
        {
            V x0 = L.Load(inputs), x1 = L.Load(inputs + L.Count);
            V f = L.Fill(filters[0]);
            s00 = L.MultiplyAdd(f, x0, s00);
            s01 = L.MultiplyAdd(f, x1, s01);
            f = L.Fill(filters[1]);
            s10 = L.MultiplyAdd(f, x0, s10);
            s11 = L.MultiplyAdd(f, x1, s11);
            f = L.Fill(filters[2]);
            s20 = L.MultiplyAdd(f, x0, s20);
            s21 = L.MultiplyAdd(f, x1, s21);
            f = L.Fill(filters[3]);
            s30 = L.MultiplyAdd(f, x0, s30);
            s31 = L.MultiplyAdd(f, x1, s31);
            f = L.Fill(filters[4]);
            s40 = L.MultiplyAdd(f, x0, s40);
            s41 = L.MultiplyAdd(f, x1, s41);
            f = L.Fill(filters[5]);
            s50 = L.MultiplyAdd(f, x0, s50);
            s51 = L.MultiplyAdd(f, x1, s51);
            L.Fetch(soonFilters);
            L.Fetch(soonInputs);
            soonFilters += filtersStep;
            soonInputs += inputsStep;
            filters += Rows;
            inputs += 2 * L.Count;
        }

        Store(s00, s01, sums);
        Store(s10, s11, sums += row);
        Store(s20, s21, sums += row);
        Store(s30, s31, sums += row);
        Store(s40, s41, sums += row);
        Store(s50, s51, sums += row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Activate(float* source, float* destination, int count, float scale, float shift, float slope)
    {
        V factor = L.Fill(scale), summand = L.Fill(shift), below = L.Fill(slope), zero = L.Fill(0);
        int i = 0;
        for (; i <= count - L.Count; i += L.Count)
        {
            V x = L.MultiplyAdd(L.Load(source + i), factor, summand);
            L.Store(L.MultiplyAdd(L.Least(x, zero), below, L.Greatest(x, zero)), destination + i);
        }

        for (; i < count; i++)
        {
            float x = MathF.FusedMultiplyAdd(source[i], scale, shift);
            destination[i] = MathF.FusedMultiplyAdd(MathF.Min(x, 0), slope, MathF.Max(x, 0));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V first, V second, float* destination)
    {
        L.Store(first, destination);
        L.Store(second, destination + L.Count);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>The inner loops of <see cref="WinogradConvolution"/>, with vectors of some width.</summary>
internal abstract unsafe class WinogradKernels
{
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

    /// <summary>Feature maps that <see cref="Multiply"/> makes at once.</summary>
    public abstract int Rows { get; }

    /// <summary>The transforms of F(4x4, 3x3).</summary>
    public abstract Winograd4x4 Of4x4 { get; }

    /// <summary>The transforms of F(6x6, 3x3).</summary>
    public abstract WinogradTransforms Of6x6 { get; }

    /// <summary>A panel's sums of products over the inputs: <c>sums[r][t] = sum over c of filters[c][r] * inputs[c][t]</c>.</summary>
    /// <param name="filters">For each input <see cref="Rows"/> numbers.</param>
    /// <param name="inputs">For each input <see cref="Panel"/> tiles.</param>
    /// <param name="count">How many inputs.</param>
    /// <param name="rows">Of how many feature maps sums are wanted, up to <see cref="Rows"/>, of which all may be written.</param>
    /// <param name="sums">Receives the rows of <see cref="Panel"/> sums.</param>
    /// <param name="row">Floats from one row of sums to the next.</param>
    /// <param name="isFurther">Whether the products are added to the sums that are there.</param>
    /// <param name="ahead">What of memory is wanted soon.</param>
    public abstract void Multiply(float* filters, float* inputs, int count, int rows, float* sums, int row, bool isFurther, in Ahead ahead);

    /// <summary><c>x * scale + shift</c>, times the slope where that is below 0.</summary>
    public abstract void Activate(float* source, float* destination, int count, float scale, float shift, float slope);

    /// <summary><c>above + weight * (below - above)</c>, in place; as much as fills the last vector is written.</summary>
    public abstract void Blend(float* above, float* below, int count, float weight);

    /// <summary>Between each of the places and the next, as its weight says: <c>source[p - first] + weight * (source[p - first + 1] - source[p - first])</c>.</summary>
    /// <param name="source">The row, with values for a vector from each place on.</param>
    /// <param name="places">The places <c>p</c>, of which each is at most one after the one before.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="count">How many places.</param>
    /// <param name="destination">Receives what is between.</param>
    public abstract void Interpolate(float* source, int* places, float* weights, int count, float* destination);

    /// <summary>Copies a row of tiles, place by place, to panels.</summary>
    /// <param name="from">The tiles, place by place, up to a whole panel.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="places">How many places.</param>
    /// <param name="panels">How many panels.</param>
    /// <param name="to">Receives them.</param>
    /// <param name="toPlace">Floats from one place to the next.</param>
    /// <param name="toPanel">Floats from one panel to the next.</param>
    public abstract void PutInPanels(float* from, int place, int places, int panels, float* to, long toPlace, long toPanel);
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
    private static int RowsAtOnce
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.Count == Vector512<float>.Count ? 12 : 6;
    }

    public override int Lanes => L.Count;

    public override int Rows => RowsAtOnce;

    public override Winograd4x4 Of4x4 { get; } = new Winograd4x4<L, V>();

    public override WinogradTransforms Of6x6 { get; } = new Winograd6x6<L, V>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(float* filters, float* inputs, int count, int rows, float* sums, int row, bool isFurther, in Ahead ahead)
    {
        if (rows > 6)
            MultiplyTwelve(filters, inputs, count, sums, row, isFurther, ahead);
        else
            MultiplySix(filters, inputs, count, sums, row, isFurther, ahead);
    }

    // With AVX-512 there are 32 registers: each vector of inputs is of use twice as often.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTwelve(float* filters, float* inputs, int count, float* sums, int row, bool isFurther, in Ahead ahead)
    {
        byte* soonFilters = ahead.Filters, soonInputs = ahead.Inputs;
        nint filtersStep = ahead.FiltersStep, inputsStep = ahead.InputsStep;
        V a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default;
        V a3 = default, b3 = default, a4 = default, b4 = default, a5 = default, b5 = default;
        V a6 = default, b6 = default, a7 = default, b7 = default, a8 = default, b8 = default;
        V a9 = default, b9 = default, a10 = default, b10 = default, a11 = default, b11 = default;
        if (isFurther)
        {
            float* from = sums;
            (a0, b0) = (L.Load(from), L.Load(from + L.Count));
            (a1, b1) = (L.Load(from += row), L.Load(from + L.Count));
            (a2, b2) = (L.Load(from += row), L.Load(from + L.Count));
            (a3, b3) = (L.Load(from += row), L.Load(from + L.Count));
            (a4, b4) = (L.Load(from += row), L.Load(from + L.Count));
            (a5, b5) = (L.Load(from += row), L.Load(from + L.Count));
            (a6, b6) = (L.Load(from += row), L.Load(from + L.Count));
            (a7, b7) = (L.Load(from += row), L.Load(from + L.Count));
            (a8, b8) = (L.Load(from += row), L.Load(from + L.Count));
            (a9, b9) = (L.Load(from += row), L.Load(from + L.Count));
            (a10, b10) = (L.Load(from += row), L.Load(from + L.Count));
            (a11, b11) = (L.Load(from += row), L.Load(from + L.Count));
        }

        for (int c = 0; c < count; c++)
        {
            V x = L.Load(inputs), y = L.Load(inputs + L.Count);
            V f = L.Fill(filters[0]);
            a0 = L.MultiplyAdd(f, x, a0);
            b0 = L.MultiplyAdd(f, y, b0);
            f = L.Fill(filters[1]);
            a1 = L.MultiplyAdd(f, x, a1);
            b1 = L.MultiplyAdd(f, y, b1);
            f = L.Fill(filters[2]);
            a2 = L.MultiplyAdd(f, x, a2);
            b2 = L.MultiplyAdd(f, y, b2);
            f = L.Fill(filters[3]);
            a3 = L.MultiplyAdd(f, x, a3);
            b3 = L.MultiplyAdd(f, y, b3);
            f = L.Fill(filters[4]);
            a4 = L.MultiplyAdd(f, x, a4);
            b4 = L.MultiplyAdd(f, y, b4);
            f = L.Fill(filters[5]);
            a5 = L.MultiplyAdd(f, x, a5);
            b5 = L.MultiplyAdd(f, y, b5);
            f = L.Fill(filters[6]);
            a6 = L.MultiplyAdd(f, x, a6);
            b6 = L.MultiplyAdd(f, y, b6);
            f = L.Fill(filters[7]);
            a7 = L.MultiplyAdd(f, x, a7);
            b7 = L.MultiplyAdd(f, y, b7);
            f = L.Fill(filters[8]);
            a8 = L.MultiplyAdd(f, x, a8);
            b8 = L.MultiplyAdd(f, y, b8);
            f = L.Fill(filters[9]);
            a9 = L.MultiplyAdd(f, x, a9);
            b9 = L.MultiplyAdd(f, y, b9);
            f = L.Fill(filters[10]);
            a10 = L.MultiplyAdd(f, x, a10);
            b10 = L.MultiplyAdd(f, y, b10);
            f = L.Fill(filters[11]);
            a11 = L.MultiplyAdd(f, x, a11);
            b11 = L.MultiplyAdd(f, y, b11);
            L.Fetch(soonFilters);
            L.Fetch(soonInputs);
            soonFilters += filtersStep;
            soonInputs += inputsStep;
            filters += RowsAtOnce;
            inputs += 2 * L.Count;
        }

        Store(a0, b0, sums);
        Store(a1, b1, sums += row);
        Store(a2, b2, sums += row);
        Store(a3, b3, sums += row);
        Store(a4, b4, sums += row);
        Store(a5, b5, sums += row);
        Store(a6, b6, sums += row);
        Store(a7, b7, sums += row);
        Store(a8, b8, sums += row);
        Store(a9, b9, sums += row);
        Store(a10, b10, sums += row);
        Store(a11, b11, sums += row);
    }

    // Twelve sums and two vectors of inputs stay in registers, of which there are 16: enough sums to hide a product's latency.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplySix(float* filters, float* inputs, int count, float* sums, int row, bool isFurther, in Ahead ahead)
    {
        byte* soonFilters = ahead.Filters, soonInputs = ahead.Inputs;
        nint filtersStep = ahead.FiltersStep, inputsStep = ahead.InputsStep;
        V a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default;
        V a3 = default, b3 = default, a4 = default, b4 = default, a5 = default, b5 = default;
        if (isFurther)
        {
            float* from = sums;
            (a0, b0) = (L.Load(from), L.Load(from + L.Count));
            (a1, b1) = (L.Load(from += row), L.Load(from + L.Count));
            (a2, b2) = (L.Load(from += row), L.Load(from + L.Count));
            (a3, b3) = (L.Load(from += row), L.Load(from + L.Count));
            (a4, b4) = (L.Load(from += row), L.Load(from + L.Count));
            (a5, b5) = (L.Load(from += row), L.Load(from + L.Count));
        }

        for (int c = 0; c < count; c++)
        {
            V x = L.Load(inputs), y = L.Load(inputs + L.Count);
            V f = L.Fill(filters[0]);
            a0 = L.MultiplyAdd(f, x, a0);
            b0 = L.MultiplyAdd(f, y, b0);
            f = L.Fill(filters[1]);
            a1 = L.MultiplyAdd(f, x, a1);
            b1 = L.MultiplyAdd(f, y, b1);
            f = L.Fill(filters[2]);
            a2 = L.MultiplyAdd(f, x, a2);
            b2 = L.MultiplyAdd(f, y, b2);
            f = L.Fill(filters[3]);
            a3 = L.MultiplyAdd(f, x, a3);
            b3 = L.MultiplyAdd(f, y, b3);
            f = L.Fill(filters[4]);
            a4 = L.MultiplyAdd(f, x, a4);
            b4 = L.MultiplyAdd(f, y, b4);
            f = L.Fill(filters[5]);
            a5 = L.MultiplyAdd(f, x, a5);
            b5 = L.MultiplyAdd(f, y, b5);
            L.Fetch(soonFilters);
            L.Fetch(soonInputs);
            soonFilters += filtersStep;
            soonInputs += inputsStep;
            filters += RowsAtOnce;
            inputs += 2 * L.Count;
        }

        Store(a0, b0, sums);
        Store(a1, b1, sums += row);
        Store(a2, b2, sums += row);
        Store(a3, b3, sums += row);
        Store(a4, b4, sums += row);
        Store(a5, b5, sums += row);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Blend(float* above, float* below, int count, float weight)
    {
        V factor = L.Fill(weight);
        for (int i = 0; i < count; i += L.Count)
        {
            V x = L.Load(above + i);
            L.Store(L.Add(x, L.Multiply(factor, L.Subtract(L.Load(below + i), x))), above + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Interpolate(float* source, int* places, float* weights, int count, float* destination)
    {
        int first = places[0], i = 0;
        for (; i <= count - L.Count; i += L.Count)
        {
            float* left = source + (places[i] - first);
            V x = L.Pick(L.Load(left), places + i, places[i]), next = L.Pick(L.Load(left + 1), places + i, places[i]);
            L.Store(L.Add(x, L.Multiply(L.Load(weights + i), L.Subtract(next, x))), destination + i);
        }

        for (; i < count; i++)
        {
            float* left = source + (places[i] - first);
            destination[i] = left[0] + weights[i] * (left[1] - left[0]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void PutInPanels(float* from, int place, int places, int panels, float* to, long toPlace, long toPanel)
    {
        for (int at = 0; at < places; at++)
        {
            float* panel = to;
            for (int p = 0; p < panels; p++)
            {
                Store(L.Load(from + p * 2 * L.Count), L.Load(from + p * 2 * L.Count + L.Count), panel);
                panel += toPanel;
            }

            from += place;
            to += toPlace;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V first, V second, float* destination)
    {
        L.Store(first, destination);
        L.Store(second, destination + L.Count);
    }
}

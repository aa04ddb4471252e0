using System.Runtime.CompilerServices;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// The inner loops of Winograd's F(4x4, 3x3) (Lavin &amp; Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
/// section 4.3): <c>Y = A^T [(G g G^T) * (B^T d B)] A</c> for tiles d of 6x6 that overlap by two and outputs Y of 4x4.
/// </summary>
/// <remarks>Backwards the same matrices transposed. They are those of the points 0, 1, -1, 2, -2 and infinity. A place of the 6x6 products is numbered row by row, 0 to 35.</remarks>
internal abstract unsafe class WinogradKernels
{
    /// <summary>Rows and columns of outputs that a tile gives.</summary>
    public const int Outputs = 4;

    /// <summary>Rows and columns of inputs that a tile takes.</summary>
    public const int Inputs = 6;

    /// <summary>Products of a tile, a feature map and an input.</summary>
    public const int Places = Inputs * Inputs;

    /// <summary>Feature maps that <see cref="Multiply"/> makes at once.</summary>
    public const int Rows = 6;

    /// <summary>The most tiles that <see cref="Multiply"/> makes at once, whatever the width of vectors.</summary>
    public const int LargestPanel = 32;

    /// <summary>What this processor does best.</summary>
    public static WinogradKernels Best { get; } =
        System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? new WinogradKernels<Lanes512, System.Runtime.Intrinsics.Vector512<float>>()
        : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated && System.Runtime.Intrinsics.X86.Fma.IsSupported ? new WinogradKernels<Lanes256, System.Runtime.Intrinsics.Vector256<float>>()
        : new WinogradKernels<SingleLane, float>();

    /// <summary>Floats in a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Tiles that <see cref="Multiply"/> makes at once.</summary>
    public int Panel => 2 * Lanes;

    /// <summary><c>G g G^T</c> of as many filters as a vector has numbers.</summary>
    /// <param name="filters">For each place of the 3x3 a number of each filter.</param>
    /// <param name="between">Room for 18 vectors.</param>
    /// <param name="places">Receives the 6x6, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformFilters(float* filters, float* between, float* places, int place);

    /// <summary><c>B^T d B</c> of a row of tiles.</summary>
    /// <param name="rows">Six rows of inputs, each in four parts: every fourth value from the first on, from the second on and so on.</param>
    /// <param name="part">Floats from one part to the next, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="between">Room for 24 parts.</param>
    /// <param name="tiles">How many tiles; up to <see cref="Lanes"/> - 1 more are written.</param>
    /// <param name="places">Receives the tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformInput(float** rows, int part, float* between, int tiles, float* places, int place);

    /// <summary>A panel's sums of products over the inputs: <c>sums[r][t] = sum over c of filters[c][r] * inputs[c][t]</c>.</summary>
    /// <param name="filters">For each input <see cref="Rows"/> numbers.</param>
    /// <param name="inputs">For each input <see cref="Panel"/> tiles.</param>
    /// <param name="count">How many inputs.</param>
    /// <param name="sums">Receives <see cref="Rows"/> rows of <see cref="Panel"/> sums.</param>
    /// <param name="row">Floats from one row of sums to the next.</param>
    /// <param name="isFurther">Whether the products are added to the sums that are there.</param>
    /// <param name="ahead">What of memory is wanted soon.</param>
    public abstract void Multiply(float* filters, float* inputs, int count, float* sums, int row, bool isFurther, in Ahead ahead);

    /// <summary><c>A^T M A</c> of a row of tiles.</summary>
    /// <param name="places">The tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="tiles">How many tiles; up to <see cref="Lanes"/> - 1 more are written.</param>
    /// <param name="between">Room for 24 vectors.</param>
    /// <param name="rows">Receives four rows of outputs, each in four parts as in <see cref="TransformInput"/>.</param>
    /// <param name="part">Floats from one part to the next.</param>
    public abstract void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part);

    /// <summary><c>A D A^T</c> of a row of tiles of gradients: what <see cref="TransformOutput"/> does to gradients, backwards.</summary>
    /// <param name="rows">Four rows of gradients, each in four parts as in <see cref="TransformInput"/>.</param>
    /// <param name="part">Floats from one part to the next, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="between">Room for 24 parts.</param>
    /// <param name="tiles">How many tiles; up to <see cref="Lanes"/> - 1 more are written.</param>
    /// <param name="places">Receives the tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformGradient(float** rows, int part, float* between, int tiles, float* places, int place);

    /// <summary><c>G^T S G</c> of sums of products: what <see cref="TransformFilters"/> does to gradients, backwards.</summary>
    /// <param name="sums">For each place <see cref="Lanes"/> sums.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="between">Room for 18 vectors.</param>
    /// <param name="filters">Receives 9 times <see cref="Lanes"/> gradients of filters, place by place of the 3x3.</param>
    public abstract void TransformSums(float* sums, long place, float* between, float* filters);

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformFilters(float* filters, float* between, float* places, int place)
    {
        for (int x = 0; x < 3; x++)
            Six(L.Load(filters + x * L.Count), L.Load(filters + (3 + x) * L.Count), L.Load(filters + (6 + x) * L.Count), between + x * L.Count, 3 * L.Count);
        for (int y = 0; y < Inputs; y++)
        {
            float* at = between + 3 * y * L.Count;
            Six(L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), places + (long)Inputs * y * place, place);
        }
    }

    /// <summary><c>G</c> times three numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Six(V a, V b, V c, float* to, int step)
    {
        V sixth = L.Fill(-1 / 6f), sum = L.Add(a, c), even = L.Multiply(L.Fill(1 / 24f), L.MultiplyAdd(L.Fill(4), c, a)), odd = L.Multiply(L.Fill(1 / 12f), b);
        L.Store(L.Multiply(L.Fill(1 / 4f), a), to);
        L.Store(L.Multiply(sixth, L.Add(sum, b)), to + step);
        L.Store(L.Multiply(sixth, L.Subtract(sum, b)), to + 2 * step);
        L.Store(L.Add(even, odd), to + 3 * step);
        L.Store(L.Subtract(even, odd), to + 4 * step);
        L.Store(c, to + 5 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformInput(float** rows, int part, float* between, int tiles, float* places, int place)
    {
        int width = Outputs * part;
        V four = L.Fill(4), five = L.Fill(-5), two = L.Fill(2), minusTwo = L.Fill(-2), minusFour = L.Fill(-4);
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3], r4 = rows[4], r5 = rows[5];
        for (int x = 0; x < width; x += L.Count)
        {
            V d0 = L.Load(r0 + x), d1 = L.Load(r1 + x), d2 = L.Load(r2 + x), d3 = L.Load(r3 + x), d4 = L.Load(r4 + x), d5 = L.Load(r5 + x);
            V even = L.MultiplyAdd(minusFour, d2, d4), odd = L.MultiplyAdd(minusFour, d1, d3);
            V even2 = L.Subtract(d4, d2), odd2 = L.Subtract(d3, d1);
            float* to = between + x;
            L.Store(L.MultiplyAdd(four, d0, L.MultiplyAdd(five, d2, d4)), to);
            L.Store(L.Add(even, odd), to + width);
            L.Store(L.Subtract(even, odd), to + 2 * width);
            L.Store(L.MultiplyAdd(two, odd2, even2), to + 3 * width);
            L.Store(L.MultiplyAdd(minusTwo, odd2, even2), to + 4 * width);
            L.Store(L.MultiplyAdd(four, d1, L.MultiplyAdd(five, d3, d5)), to + 5 * width);
        }

        for (int y = 0; y < Inputs; y++)
        {
            float* from = between + y * width;
            for (int t = 0; t < tiles; t += L.Count)
            {
                float* at = from + t;
                V d0 = L.Load(at), d1 = L.Load(at + part), d2 = L.Load(at + 2 * part), d3 = L.Load(at + 3 * part), d4 = L.Load(at + 1), d5 = L.Load(at + part + 1);
                V even = L.MultiplyAdd(minusFour, d2, d4), odd = L.MultiplyAdd(minusFour, d1, d3);
                V even2 = L.Subtract(d4, d2), odd2 = L.Subtract(d3, d1);
                float* to = places + t;
                L.Store(L.MultiplyAdd(four, d0, L.MultiplyAdd(five, d2, d4)), to);
                L.Store(L.Add(even, odd), to + place);
                L.Store(L.Subtract(even, odd), to + 2 * place);
                L.Store(L.MultiplyAdd(two, odd2, even2), to + 3 * place);
                L.Store(L.MultiplyAdd(minusTwo, odd2, even2), to + 4 * place);
                L.Store(L.MultiplyAdd(four, d1, L.MultiplyAdd(five, d3, d5)), to + 5 * place);
            }

            places += Inputs * place;
        }
    }

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
    public override void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part)
    {
        V two = L.Fill(2), four = L.Fill(4), eight = L.Fill(8);
        for (int t = 0; t < tiles; t += L.Count)
        {
            for (int x = 0; x < Inputs; x++)
            {
                float* at = places + t + x * place;
                V m0 = L.Load(at), m1 = L.Load(at + 6 * place), m2 = L.Load(at + 12 * place), m3 = L.Load(at + 18 * place), m4 = L.Load(at + 24 * place), m5 = L.Load(at + 30 * place);
                V sum = L.Add(m1, m2), difference = L.Subtract(m1, m2), sum2 = L.Add(m3, m4), difference2 = L.Subtract(m3, m4);
                float* to = between + x * L.Count;
                L.Store(L.Add(L.Add(m0, sum), sum2), to);
                L.Store(L.MultiplyAdd(two, difference2, difference), to + 6 * L.Count);
                L.Store(L.MultiplyAdd(four, sum2, sum), to + 12 * L.Count);
                L.Store(L.Add(L.MultiplyAdd(eight, difference2, difference), m5), to + 18 * L.Count);
            }

            for (int y = 0; y < Outputs; y++)
            {
                float* at = between + 6 * y * L.Count;
                V m0 = L.Load(at), m1 = L.Load(at + L.Count), m2 = L.Load(at + 2 * L.Count), m3 = L.Load(at + 3 * L.Count), m4 = L.Load(at + 4 * L.Count), m5 = L.Load(at + 5 * L.Count);
                V sum = L.Add(m1, m2), difference = L.Subtract(m1, m2), sum2 = L.Add(m3, m4), difference2 = L.Subtract(m3, m4);
                float* to = rows + Outputs * y * part + t;
                L.Store(L.Add(L.Add(m0, sum), sum2), to);
                L.Store(L.MultiplyAdd(two, difference2, difference), to + part);
                L.Store(L.MultiplyAdd(four, sum2, sum), to + 2 * part);
                L.Store(L.Add(L.MultiplyAdd(eight, difference2, difference), m5), to + 3 * part);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformGradient(float** rows, int part, float* between, int tiles, float* places, int place)
    {
        int width = Outputs * part;
        V two = L.Fill(2), four = L.Fill(4);
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3];
        for (int x = 0; x < width; x += L.Count)
        {
            V d0 = L.Load(r0 + x), d1 = L.Load(r1 + x), d2 = L.Load(r2 + x), d3 = L.Load(r3 + x);
            V even = L.Add(d0, d2), odd = L.Add(d1, d3), even2 = L.MultiplyAdd(four, d2, d0), odd2 = L.MultiplyAdd(four, d3, d1);
            float* to = between + x;
            L.Store(d0, to);
            L.Store(L.Add(even, odd), to + width);
            L.Store(L.Subtract(even, odd), to + 2 * width);
            L.Store(L.MultiplyAdd(two, odd2, even2), to + 3 * width);
            L.Store(L.MultiplyAdd(L.Fill(-2), odd2, even2), to + 4 * width);
            L.Store(d3, to + 5 * width);
        }

        for (int y = 0; y < Inputs; y++)
        {
            float* from = between + y * width;
            for (int t = 0; t < tiles; t += L.Count)
            {
                float* at = from + t;
                V d0 = L.Load(at), d1 = L.Load(at + part), d2 = L.Load(at + 2 * part), d3 = L.Load(at + 3 * part);
                V even = L.Add(d0, d2), odd = L.Add(d1, d3), even2 = L.MultiplyAdd(four, d2, d0), odd2 = L.MultiplyAdd(four, d3, d1);
                float* to = places + t;
                L.Store(d0, to);
                L.Store(L.Add(even, odd), to + place);
                L.Store(L.Subtract(even, odd), to + 2 * place);
                L.Store(L.MultiplyAdd(two, odd2, even2), to + 3 * place);
                L.Store(L.MultiplyAdd(L.Fill(-2), odd2, even2), to + 4 * place);
                L.Store(d3, to + 5 * place);
            }

            places += Inputs * place;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformSums(float* sums, long place, float* between, float* filters)
    {
        for (int x = 0; x < Inputs; x++)
        {
            float* at = sums + x * place;
            Three(L.Load(at), L.Load(at + 6 * place), L.Load(at + 12 * place), L.Load(at + 18 * place), L.Load(at + 24 * place), L.Load(at + 30 * place),
                between + x * L.Count, 6 * L.Count);
        }

        for (int y = 0; y < 3; y++)
        {
            float* at = between + 6 * y * L.Count;
            Three(L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), L.Load(at + 3 * L.Count), L.Load(at + 4 * L.Count), L.Load(at + 5 * L.Count),
                filters + 3 * y * L.Count, L.Count);
        }
    }

    /// <summary><c>G^T</c> times six numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Three(V u0, V u1, V u2, V u3, V u4, V u5, float* to, int step)
    {
        V sixth = L.Fill(1 / 6f), twelfth = L.Fill(1 / 12f), sum = L.Add(u1, u2), sum2 = L.Add(u3, u4);
        L.Store(L.MultiplyAdd(L.Fill(1 / 4f), u0, L.MultiplyAdd(L.Fill(-1 / 6f), sum, L.Multiply(L.Fill(1 / 24f), sum2))), to);
        L.Store(L.MultiplyAdd(sixth, L.Subtract(u2, u1), L.Multiply(twelfth, L.Subtract(u3, u4))), to + step);
        L.Store(L.MultiplyAdd(sixth, L.Subtract(sum2, sum), u5), to + 2 * step);
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

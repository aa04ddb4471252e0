using System.Runtime.CompilerServices;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>F(4x4, 3x3), of the points 0, 1, -1, 2, -2 and infinity; backwards the same matrices transposed.</summary>
internal abstract unsafe class Winograd4x4 : WinogradTransforms
{
    /// <summary><see cref="Outputs"/>.</summary>
    public const int M = 4;

    public sealed override int Outputs => M;

    /// <summary><c>A D A^T</c> of a row of tiles of gradients: what <see cref="WinogradTransforms.TransformOutput"/> does to gradients, backwards.</summary>
    /// <param name="rows">Four rows of gradients, each in four parts as in <see cref="WinogradTransforms.TransformInput"/>.</param>
    /// <param name="part">Floats from one part to the next, a multiple of a vector's.</param>
    /// <param name="between">Room for 24 parts.</param>
    /// <param name="tiles">How many tiles; up to a vector's more are written.</param>
    /// <param name="places">Receives the tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformGradient(float** rows, int part, float* between, int tiles, float* places, int place);

    /// <summary><c>G^T S G</c> of sums of products: what <see cref="WinogradTransforms.TransformFilters"/> does to gradients, backwards.</summary>
    /// <param name="sums">For each place a vector of sums.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="between">Room for 18 vectors.</param>
    /// <param name="filters">Receives 9 vectors of gradients of filters, place by place of the 3x3.</param>
    public abstract void TransformSums(float* sums, long place, float* between, float* filters);
}

/// <summary>The transforms, with vectors of some width.</summary>
internal sealed unsafe class Winograd4x4<L, V> : Winograd4x4
    where L : ILanes<V>
    where V : struct
{
    private const int Side = 6;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformFilters(float* filters, float* between, float* places, int place)
    {
        for (int x = 0; x < 3; x++)
            Six(L.Load(filters + x * L.Count), L.Load(filters + (3 + x) * L.Count), L.Load(filters + (6 + x) * L.Count), between + x * L.Count, 3 * L.Count);
        for (int y = 0; y < Side; y++)
        {
            float* at = between + 3 * y * L.Count;
            Six(L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), places + (long)Side * y * place, place);
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
        int width = M * part;
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

        for (int y = 0; y < Side; y++)
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

            places += Side * place;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part)
    {
        V two = L.Fill(2), four = L.Fill(4), eight = L.Fill(8);
        for (int t = 0; t < tiles; t += L.Count)
        {
            for (int x = 0; x < Side; x++)
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

            for (int y = 0; y < M; y++)
            {
                float* at = between + 6 * y * L.Count;
                V m0 = L.Load(at), m1 = L.Load(at + L.Count), m2 = L.Load(at + 2 * L.Count), m3 = L.Load(at + 3 * L.Count), m4 = L.Load(at + 4 * L.Count), m5 = L.Load(at + 5 * L.Count);
                V sum = L.Add(m1, m2), difference = L.Subtract(m1, m2), sum2 = L.Add(m3, m4), difference2 = L.Subtract(m3, m4);
                float* to = rows + M * y * part + t;
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
        int width = M * part;
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

        for (int y = 0; y < Side; y++)
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

            places += Side * place;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformSums(float* sums, long place, float* between, float* filters)
    {
        for (int x = 0; x < Side; x++)
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
}

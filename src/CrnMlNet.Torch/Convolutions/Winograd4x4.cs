using System.Runtime.CompilerServices;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>F(4x4, 3x3), of the points 0, 1, -1, 2, -2 and infinity; backwards the same matrices transposed.</summary>
internal abstract unsafe class Winograd4x4 : WinogradTransforms
{
    /// <summary><see cref="Outputs"/>, and rows and columns of inputs.</summary>
    public const int M = 4, Side = M + 2;

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
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3], r4 = rows[4], r5 = rows[5];
        for (int x = 0; x < width; x += L.Count)
            Six(L.Load(r0 + x), L.Load(r1 + x), L.Load(r2 + x), L.Load(r3 + x), L.Load(r4 + x), L.Load(r5 + x), between + x, width);
        for (int y = 0; y < Side; y++)
        {
            float* from = between + y * width;
            for (int t = 0; t < tiles; t += L.Count)
            {
                float* at = from + t;
                Six(L.Load(at), L.Load(at + part), L.Load(at + 2 * part), L.Load(at + 3 * part), L.Load(at + 1), L.Load(at + part + 1), places + t, place);
            }

            places += Side * place;
        }
    }

    /// <summary><c>B^T</c> times six numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Six(V d0, V d1, V d2, V d3, V d4, V d5, float* to, int step)
    {
        V four = L.Fill(4), five = L.Fill(-5), minusFour = L.Fill(-4);
        V even = L.MultiplyAdd(minusFour, d2, d4), odd = L.MultiplyAdd(minusFour, d1, d3), even2 = L.Subtract(d4, d2), odd2 = L.Subtract(d3, d1);
        L.Store(L.MultiplyAdd(four, d0, L.MultiplyAdd(five, d2, d4)), to);
        L.Store(L.Add(even, odd), to + step);
        L.Store(L.Subtract(even, odd), to + 2 * step);
        L.Store(L.MultiplyAdd(L.Fill(2), odd2, even2), to + 3 * step);
        L.Store(L.MultiplyAdd(L.Fill(-2), odd2, even2), to + 4 * step);
        L.Store(L.MultiplyAdd(four, d1, L.MultiplyAdd(five, d3, d5)), to + 5 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part)
    {
        for (int t = 0; t < tiles; t += L.Count)
        {
            for (int x = 0; x < Side; x++)
            {
                float* at = places + t + x * place;
                Four(
                    L.Load(at), L.Load(at + 6 * place), L.Load(at + 12 * place), L.Load(at + 18 * place), L.Load(at + 24 * place), L.Load(at + 30 * place),
                    between + x * L.Count, Side * L.Count);
            }

            for (int y = 0; y < M; y++)
            {
                float* at = between + Side * y * L.Count;
                Four(
                    L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), L.Load(at + 3 * L.Count), L.Load(at + 4 * L.Count), L.Load(at + 5 * L.Count),
                    rows + M * y * part + t, part);
            }
        }
    }

    /// <summary><c>A^T</c> times six numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(V m0, V m1, V m2, V m3, V m4, V m5, float* to, int step)
    {
        V sum = L.Add(m1, m2), difference = L.Subtract(m1, m2), sum2 = L.Add(m3, m4), difference2 = L.Subtract(m3, m4);
        L.Store(L.Add(L.Add(m0, sum), sum2), to);
        L.Store(L.MultiplyAdd(L.Fill(2), difference2, difference), to + step);
        L.Store(L.MultiplyAdd(L.Fill(4), sum2, sum), to + 2 * step);
        L.Store(L.Add(L.MultiplyAdd(L.Fill(8), difference2, difference), m5), to + 3 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformGradient(float** rows, int part, float* between, int tiles, float* places, int place)
    {
        int width = M * part;
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3];
        for (int x = 0; x < width; x += L.Count)
            Six(L.Load(r0 + x), L.Load(r1 + x), L.Load(r2 + x), L.Load(r3 + x), between + x, width);
        for (int y = 0; y < Side; y++)
        {
            float* from = between + y * width;
            for (int t = 0; t < tiles; t += L.Count)
            {
                float* at = from + t;
                Six(L.Load(at), L.Load(at + part), L.Load(at + 2 * part), L.Load(at + 3 * part), places + t, place);
            }

            places += Side * place;
        }
    }

    /// <summary><c>A</c> times four numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Six(V d0, V d1, V d2, V d3, float* to, int step)
    {
        V four = L.Fill(4), even = L.Add(d0, d2), odd = L.Add(d1, d3), even2 = L.MultiplyAdd(four, d2, d0), odd2 = L.MultiplyAdd(four, d3, d1);
        L.Store(d0, to);
        L.Store(L.Add(even, odd), to + step);
        L.Store(L.Subtract(even, odd), to + 2 * step);
        L.Store(L.MultiplyAdd(L.Fill(2), odd2, even2), to + 3 * step);
        L.Store(L.MultiplyAdd(L.Fill(-2), odd2, even2), to + 4 * step);
        L.Store(d3, to + 5 * step);
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

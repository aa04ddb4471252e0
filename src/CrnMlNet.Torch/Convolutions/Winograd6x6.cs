using System.Runtime.CompilerServices;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// F(6x6, 3x3), of the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity: four fifths of the products of F(4x4, 3x3), and about ten times its rounding errors.
/// </summary>
internal sealed unsafe class Winograd6x6<L, V> : WinogradTransforms
    where L : ILanes<V>
    where V : struct
{
    private const int M = 6, Side = 8;

    public override int Outputs => M;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformFilters(float* filters, float* between, float* places, int place)
    {
        for (int x = 0; x < 3; x++)
            Eight(L.Load(filters + x * L.Count), L.Load(filters + (3 + x) * L.Count), L.Load(filters + (6 + x) * L.Count), between + x * L.Count, 3 * L.Count);
        for (int y = 0; y < Side; y++)
        {
            float* at = between + 3 * y * L.Count;
            Eight(L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), places + (long)Side * y * place, place);
        }
    }

    /// <summary><c>G</c> times three numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight(V a, V b, V c, float* to, int step)
    {
        V ninths = L.Fill(-2 / 9f), sum = L.Add(a, c);
        V even = L.Multiply(L.Fill(1 / 90f), L.MultiplyAdd(L.Fill(4), c, a)), odd = L.Multiply(L.Fill(1 / 45f), b);
        V even2 = L.Multiply(L.Fill(1 / 180f), L.MultiplyAdd(L.Fill(4), a, c)), odd2 = L.Multiply(L.Fill(1 / 90f), b);
        L.Store(a, to);
        L.Store(L.Multiply(ninths, L.Add(sum, b)), to + step);
        L.Store(L.Multiply(ninths, L.Subtract(sum, b)), to + 2 * step);
        L.Store(L.Add(even, odd), to + 3 * step);
        L.Store(L.Subtract(even, odd), to + 4 * step);
        L.Store(L.Add(even2, odd2), to + 5 * step);
        L.Store(L.Subtract(even2, odd2), to + 6 * step);
        L.Store(c, to + 7 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformInput(float** rows, int part, float* between, int tiles, float* places, int place)
    {
        int width = M * part;
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3], r4 = rows[4], r5 = rows[5], r6 = rows[6], r7 = rows[7];
        for (int x = 0; x < width; x += L.Count)
        {
            Eight(
                L.Load(r0 + x), L.Load(r1 + x), L.Load(r2 + x), L.Load(r3 + x), L.Load(r4 + x), L.Load(r5 + x), L.Load(r6 + x), L.Load(r7 + x),
                between + x, width);
        }

        for (int y = 0; y < Side; y++)
        {
            float* from = between + y * width;
            for (int t = 0; t < tiles; t += L.Count)
            {
                float* at = from + t;
                Eight(
                    L.Load(at), L.Load(at + part), L.Load(at + 2 * part), L.Load(at + 3 * part), L.Load(at + 4 * part), L.Load(at + 5 * part), L.Load(at + 1), L.Load(at + part + 1),
                    places + t, place);
            }

            places += Side * place;
        }
    }

    /// <summary><c>B^T</c> times eight numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight(V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, float* to, int step)
    {
        V five = L.Fill(5.25f), four = L.Fill(-4.25f), minusFive = L.Fill(-2.5f);
        L.Store(L.MultiplyAdd(five, L.Subtract(d4, d2), L.Subtract(d0, d6)), to);
        L.Store(L.MultiplyAdd(five, L.Subtract(d3, d5), L.Subtract(d7, d1)), to + 7 * step);
        V even = L.MultiplyAdd(four, d4, L.Add(d2, d6)), odd = L.MultiplyAdd(four, d3, L.Add(d1, d5));
        L.Store(L.Add(even, odd), to + step);
        L.Store(L.Subtract(even, odd), to + 2 * step);
        V middle = L.Multiply(minusFive, d3);
        even = L.MultiplyAdd(L.Fill(0.25f), d2, L.MultiplyAdd(L.Fill(-1.25f), d4, d6));
        odd = L.MultiplyAdd(L.Fill(0.5f), d1, L.MultiplyAdd(L.Fill(2), d5, middle));
        L.Store(L.Add(even, odd), to + 3 * step);
        L.Store(L.Subtract(even, odd), to + 4 * step);
        even = L.MultiplyAdd(L.Fill(4), d2, L.MultiplyAdd(L.Fill(-5), d4, d6));
        odd = L.MultiplyAdd(L.Fill(2), d1, L.MultiplyAdd(L.Fill(0.5f), d5, middle));
        L.Store(L.Add(even, odd), to + 5 * step);
        L.Store(L.Subtract(even, odd), to + 6 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part)
    {
        for (int t = 0; t < tiles; t += L.Count)
        {
            for (int x = 0; x < Side; x++)
            {
                float* at = places + t + x * place;
                Six(
                    L.Load(at), L.Load(at + 8 * place), L.Load(at + 16 * place), L.Load(at + 24 * place), L.Load(at + 32 * place), L.Load(at + 40 * place), L.Load(at + 48 * place),
                    L.Load(at + 56 * place), between + x * L.Count, Side * L.Count);
            }

            for (int y = 0; y < M; y++)
            {
                float* at = between + Side * y * L.Count;
                Six(
                    L.Load(at), L.Load(at + L.Count), L.Load(at + 2 * L.Count), L.Load(at + 3 * L.Count), L.Load(at + 4 * L.Count), L.Load(at + 5 * L.Count), L.Load(at + 6 * L.Count),
                    L.Load(at + 7 * L.Count), rows + M * y * part + t, part);
            }
        }
    }

    /// <summary><c>A^T</c> times eight numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Six(V m0, V m1, V m2, V m3, V m4, V m5, V m6, V m7, float* to, int step)
    {
        V sum = L.Add(m1, m2), difference = L.Subtract(m1, m2), sum2 = L.Add(m3, m4), difference2 = L.Subtract(m3, m4), sum3 = L.Add(m5, m6), difference3 = L.Subtract(m5, m6);
        V two = L.Fill(2), four = L.Fill(4), eight = L.Fill(8), sixteen = L.Fill(16), thirtyTwo = L.Fill(32);
        L.Store(L.Add(m0, L.Add(sum, L.MultiplyAdd(thirtyTwo, sum3, sum2))), to);
        L.Store(L.MultiplyAdd(two, difference2, L.MultiplyAdd(sixteen, difference3, difference)), to + step);
        L.Store(L.MultiplyAdd(four, sum2, L.MultiplyAdd(eight, sum3, sum)), to + 2 * step);
        L.Store(L.MultiplyAdd(eight, difference2, L.MultiplyAdd(four, difference3, difference)), to + 3 * step);
        L.Store(L.MultiplyAdd(sixteen, sum2, L.MultiplyAdd(two, sum3, sum)), to + 4 * step);
        L.Store(L.Add(m7, L.MultiplyAdd(thirtyTwo, difference2, L.Add(difference, difference3))), to + 5 * step);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// A row in m parts, 4 or 6: every m-th value from the first on, from the second on and so on. So the values of tiles of m columns are in the same lane of vectors.
/// </summary>
internal static unsafe class RowParts
{
    /// <summary>A piece of a row of feature maps, zero outside of the maps.</summary>
    /// <param name="maps">The maps.</param>
    /// <param name="height">Rows of the maps.</param>
    /// <param name="width">Columns of the maps.</param>
    /// <param name="image">Whose maps.</param>
    /// <param name="channel">Which map.</param>
    /// <param name="row">Which row, perhaps outside.</param>
    /// <param name="from">The first column, perhaps outside.</param>
    /// <param name="count">How many columns.</param>
    /// <param name="m">How many parts.</param>
    /// <param name="parts">Receives the parts; all of them is written.</param>
    /// <param name="part">Floats from one part to the next, a multiple of 4.</param>
    /// <param name="line">Room for all parts.</param>
    /// <param name="scratch">Room for what the maps need to read.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(
        FeatureMaps maps, int height, int width, int image, int channel, int row, int from, int count, int m, float* parts, int part, float* line, float* scratch)
    {
        int size = m * part;
        if (row < 0 || row >= height)
        {
            new Span<float>(parts, size).Clear();
            return;
        }

        int left = Math.Max(0, -from), within = Math.Min(count - left, width - from - left);
        new Span<float>(line, left).Clear();
        maps.Read(image, channel, row, from + left, within, line + left, scratch);
        new Span<float>(line + left + within, size - left - within).Clear();
        if (m == 4)
            SplitInFour(line, parts, part, TileBlocks.DivideUp(count, 4));
        else
            SplitInSix(line, parts, part, TileBlocks.DivideUp(count, 6));
    }

    /// <param name="row">The row, with values up to a multiple of 16.</param>
    /// <param name="parts">Receives the parts, with values up to a multiple of 4.</param>
    /// <param name="part">Floats from one part to the next.</param>
    /// <param name="count">Values in a part.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SplitInFour(float* row, float* parts, int part, int count)
    {
        for (int i = 0; i < count; i += 4, row += 16)
        {
            var (a, b, c, d) = Transposed(Vector128.Load(row), Vector128.Load(row + 4), Vector128.Load(row + 8), Vector128.Load(row + 12));
            a.Store(parts + i);
            b.Store(parts + part + i);
            c.Store(parts + 2 * part + i);
            d.Store(parts + 3 * part + i);
        }
    }

    /// <param name="row">The row, with values up to a multiple of 24.</param>
    /// <param name="parts">Receives the parts, with values up to a multiple of 4.</param>
    /// <param name="part">Floats from one part to the next.</param>
    /// <param name="count">Values in a part.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SplitInSix(float* row, float* parts, int part, int count)
    {
        for (int i = 0; i < count; i += 4, row += 24)
        {
            // Of four tiles the first four values, and the last two.
            Vector128<float> v1 = Vector128.Load(row + 4), v2 = Vector128.Load(row + 8), v4 = Vector128.Load(row + 16), v5 = Vector128.Load(row + 20);
            var (a, b, c, d) = Transposed(Vector128.Load(row), Vector128.Load(row + 6), Vector128.Load(row + 12), Vector128.Load(row + 18));
            var (e, f) = Pairs(Ends(v1, v2), Ends(v4, v5));
            a.Store(parts + i);
            b.Store(parts + part + i);
            c.Store(parts + 2 * part + i);
            d.Store(parts + 3 * part + i);
            e.Store(parts + 4 * part + i);
            f.Store(parts + 5 * part + i);
        }
    }

    /// <summary>The parts as a row again.</summary>
    /// <param name="m">How many parts.</param>
    /// <param name="parts">The parts, with values up to a multiple of 4.</param>
    /// <param name="part">Floats from one part to the next.</param>
    /// <param name="row">Receives the row, with values up to a multiple of 4 m.</param>
    /// <param name="count">Values in a part.</param>
    public static void Join(int m, float* parts, int part, float* row, int count)
    {
        if (m == 4)
            JoinFour(parts, part, row, count);
        else
            JoinSix(parts, part, row, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JoinFour(float* parts, int part, float* row, int count)
    {
        for (int i = 0; i < count; i += 4, row += 16)
        {
            var (a, b, c, d) = Transposed(Vector128.Load(parts + i), Vector128.Load(parts + part + i), Vector128.Load(parts + 2 * part + i), Vector128.Load(parts + 3 * part + i));
            a.Store(row);
            b.Store(row + 4);
            c.Store(row + 8);
            d.Store(row + 12);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JoinSix(float* parts, int part, float* row, int count)
    {
        for (int i = 0; i < count; i += 4, row += 24)
        {
            var (a, b, c, d) = Transposed(Vector128.Load(parts + i), Vector128.Load(parts + part + i), Vector128.Load(parts + 2 * part + i), Vector128.Load(parts + 3 * part + i));
            var (e, f) = Zipped(Vector128.Load(parts + 4 * part + i), Vector128.Load(parts + 5 * part + i));
            a.Store(row);
            Lower(e, b).Store(row + 4);
            Upper(b, e).Store(row + 8);
            c.Store(row + 12);
            Lower(f, d).Store(row + 16);
            Upper(d, f).Store(row + 20);
        }
    }

    /// <summary>Rows as columns.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="row">Floats from one row to the next.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="length">Values in a row.</param>
    /// <param name="columns">Receives the columns.</param>
    /// <param name="column">Floats from one column to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* rows, int row, int count, int length, float* columns, int column)
    {
        int y = 0;
        for (; y <= count - 4; y += 4)
        {
            float* from = rows + (long)y * row;
            int x = 0;
            for (; x <= length - 4; x += 4)
            {
                var (a, b, c, d) = Transposed(Vector128.Load(from + x), Vector128.Load(from + row + x), Vector128.Load(from + 2 * row + x), Vector128.Load(from + 3 * row + x));
                float* to = columns + (long)x * column + y;
                a.Store(to);
                b.Store(to + column);
                c.Store(to + 2 * column);
                d.Store(to + 3 * column);
            }

            for (; x < length; x++)
            {
                for (int i = 0; i < 4; i++)
                    columns[(long)x * column + y + i] = from[(long)i * row + x];
            }
        }

        for (; y < count; y++)
        {
            for (int x = 0; x < length; x++)
                columns[(long)x * column + y] = rows[(long)y * row + x];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>) Transposed(
        Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        if (!Sse.IsSupported)
        {
            return (Vector128.Create(a[0], b[0], c[0], d[0]), Vector128.Create(a[1], b[1], c[1], d[1]),
                Vector128.Create(a[2], b[2], c[2], d[2]), Vector128.Create(a[3], b[3], c[3], d[3]));
        }

        Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d), ab2 = Sse.UnpackHigh(a, b), cd2 = Sse.UnpackHigh(c, d);
        return (Sse.MoveLowToHigh(ab, cd), Sse.MoveHighToLow(cd, ab), Sse.MoveLowToHigh(ab2, cd2), Sse.MoveHighToLow(cd2, ab2));
    }

    /// <summary>The first halves of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Lower(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.MoveLowToHigh(a, b) : Vector128.Create(a.GetLower(), b.GetLower());

    /// <summary>The second halves of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Upper(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.MoveHighToLow(b, a) : Vector128.Create(a.GetUpper(), b.GetUpper());

    /// <summary>The first half of one and the second of the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Ends(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.Shuffle(a, b, 0b11_10_01_00) : Vector128.Create(a.GetLower(), b.GetUpper());

    /// <summary>Every second value from the first on, and from the second on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float>, Vector128<float>) Pairs(Vector128<float> a, Vector128<float> b) => Sse.IsSupported
        ? (Sse.Shuffle(a, b, 0b10_00_10_00), Sse.Shuffle(a, b, 0b11_01_11_01))
        : (Vector128.Create(a[0], a[2], b[0], b[2]), Vector128.Create(a[1], a[3], b[1], b[3]));

    /// <summary>One value of each in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float>, Vector128<float>) Zipped(Vector128<float> a, Vector128<float> b) => Sse.IsSupported
        ? (Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b))
        : (Vector128.Create(a[0], b[0], a[1], b[1]), Vector128.Create(a[2], b[2], a[3], b[3]));
}

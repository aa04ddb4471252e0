namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The few pixels that a network of doubling resolutions starts from, and how often they are doubled: so that what comes out covers
/// a target of any size and aspect.
/// </summary>
/// <param name="Rows">The cell's rows.</param>
/// <param name="Columns">The cell's columns.</param>
/// <param name="Doublings">How often both are doubled.</param>
internal readonly record struct BaseCell(int Rows, int Columns, int Doublings)
{
    /// <summary>
    /// The cell whose doublings cover the target with the fewest pixels; among equals the smallest, so that the paper's 256x512 starts
    /// at 4x8 and 96x128 at 3x4.
    /// </summary>
    /// <param name="height">The target's height.</param>
    /// <param name="width">The target's width.</param>
    /// <param name="smallest">The least side of a cell.</param>
    /// <param name="largest">The greatest that the cell's short side may be.</param>
    public static BaseCell Covering(int height, int width, int smallest, int largest)
    {
        BaseCell best = default;
        long bestArea = long.MaxValue;
        int shortSide = Math.Min(height, width);
        for (int side = smallest; side <= largest; side++)
        {
            int doublings = 0;
            while (side << doublings < shortSide)
                doublings++;
            int rows = DivideUp(height, 1 << doublings), columns = DivideUp(width, 1 << doublings);
            if (Math.Min(rows, columns) < smallest)
                continue;
            long area = ((long)rows << doublings) * ((long)columns << doublings);
            if (area < bestArea)
                (best, bestArea) = (new BaseCell(rows, columns, doublings), area);
        }
        return best;
    }

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;
}

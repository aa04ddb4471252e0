namespace CrnMlNet.Torch.Convolutions;

/// <summary>Images' outputs in tiles, and these in blocks, one of which at a time is worked on.</summary>
internal readonly struct TileBlocks
{
    // Whatever the width of vectors, for the same blocks everywhere: tiles that are multiplied at once, and that are transformed at once.
    private const int Panel = 16, Lanes = 8, MostColumns = 64;

    private readonly int _tileRows, _tileColumns, _across;

    /// <param name="images">How many images.</param>
    /// <param name="height">Rows of outputs.</param>
    /// <param name="width">Columns of outputs.</param>
    /// <param name="side">Rows and columns of outputs that a tile has.</param>
    /// <param name="tiles">Tiles that a block has at most, if that is a row of them.</param>
    public TileBlocks(int images, int height, int width, int side, int tiles)
    {
        (_tileRows, _tileColumns) = (DivideUp(height, side), DivideUp(width, side));
        (Columns, Rows) = Cheapest(tiles);
        _across = DivideUp(_tileColumns, Columns);
        OfImage = _across * DivideUp(_tileRows, Rows);
        Count = images * OfImage;
    }

    /// <summary>Blocks in all.</summary>
    public int Count { get; }

    /// <summary>Blocks of an image.</summary>
    public int OfImage { get; }

    /// <summary>Rows of tiles of a block, at most.</summary>
    public int Rows { get; }

    /// <summary>Columns of tiles of a block, at most.</summary>
    public int Columns { get; }

    public TileBlock this[int number]
    {
        get
        {
            int image = number / OfImage, inside = number % OfImage;
            int row = inside / _across * Rows, column = inside % _across * Columns;
            return new TileBlock(image, row, column, Math.Min(Rows, _tileRows - row), Math.Min(Columns, _tileColumns - column));
        }
    }

    /// <summary>The blocks' size with which the least is computed for tiles that there are not.</summary>
    private (int Columns, int Rows) Cheapest(int tiles)
    {
        var (best, least) = ((1, 1), long.MaxValue);
        for (int columns = Math.Min(Math.Min(_tileColumns, MostColumns), Math.Max(1, tiles)); columns > 0; columns--)
        {
            // As high as each other.
            int rows = DivideUp(_tileRows, DivideUp(_tileRows, Math.Max(1, tiles / columns)));
            int across = _tileColumns / columns, down = _tileRows / rows, restOfColumns = _tileColumns % columns, restOfRows = _tileRows % rows;
            long cost = across * (down * Cost(rows, columns) + Cost(restOfRows, columns)) + down * Cost(rows, restOfColumns) + Cost(restOfRows, restOfColumns);
            if (cost < least)
                (best, least) = ((columns, rows), cost);
        }

        return best;
    }

    /// <summary>
    /// Measured, about: products take four fifths, all filters are read in the time of a panel's, and the rest goes to transforms, a vector for the beginning of each row
    /// of tiles, and to reading tiles that overlap with the block's neighbours by half of a tile.
    /// </summary>
    private static long Cost(int rows, int columns) => rows == 0 || columns == 0 ? 0
        : 4 * (DivideUp(rows * columns, Panel) + 1) * Panel + rows * (DivideUp(columns, Lanes) + 1) * Lanes + (2 * rows + 1) * (2 * columns + 1) / 4;

    public static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;
}

/// <summary>A block of tiles.</summary>
/// <param name="Image">Whose tiles.</param>
/// <param name="TileRow">The first row of tiles.</param>
/// <param name="TileColumn">The first column of tiles.</param>
/// <param name="Rows">Rows of tiles.</param>
/// <param name="Columns">Columns of tiles.</param>
internal readonly record struct TileBlock(int Image, int TileRow, int TileColumn, int Rows, int Columns)
{
    public int Tiles => Rows * Columns;
}

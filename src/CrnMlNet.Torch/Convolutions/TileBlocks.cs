namespace CrnMlNet.Torch.Convolutions;

/// <summary>Images' outputs in tiles, and these in blocks, one of which at a time is worked on.</summary>
internal readonly struct TileBlocks
{
    // Tiles of a block in a row of tiles: such blocks are about square.
    private const int MostColumns = 32;

    private readonly int _tileRows, _tileColumns, _across;

    /// <param name="images">How many images.</param>
    /// <param name="height">Rows of outputs.</param>
    /// <param name="width">Columns of outputs.</param>
    /// <param name="side">Rows and columns of outputs that a tile has.</param>
    /// <param name="tiles">Tiles that a block has at most, if that is a row of them.</param>
    public TileBlocks(int images, int height, int width, int side, int tiles)
    {
        (_tileRows, _tileColumns) = (DivideUp(height, side), DivideUp(width, side));
        Columns = Math.Min(_tileColumns, MostColumns);
        Rows = Math.Min(_tileRows, Math.Max(1, tiles / Columns));
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

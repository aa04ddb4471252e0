using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// A 3x3 convolution of stride 1, padded by 1, without bias, by Winograd's F(4x4, 3x3) or F(6x6, 3x3): a quarter or a fifth of the multiplications. On the CPU, of
/// float32 maps.
/// </summary>
/// <remarks>
/// A block of tiles at a time is transformed, multiplied and transformed back. An output's value depends on its image alone, and neither on the number
/// of threads nor on the width of vectors, bit for bit. Loops over numbers are compiled with all optimizations at once (here and in what is called): without, a
/// small network's first dozens of photos take two to three times as long.
/// </remarks>
internal sealed unsafe class WinogradConvolution : IDisposable
{
    private const int InputsAtOnce = 16;

    private readonly WinogradProducts _products;

    /// <summary>Transforms the filters, to multiply in float32 by F(4x4, 3x3).</summary>
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="arena">Where to keep them, which must not be given back before this is done with; null: memory of its own.</param>
    public WinogradConvolution(Tensor weight, Arena? arena = null)
        : this(new Float32Products(weight, WinogradKernels.Best, WinogradKernels.Best.Of4x4, arena))
    {
    }

    /// <param name="products">The filters, and in which numbers they are multiplied; disposed with this object.</param>
    public WinogradConvolution(WinogradProducts products) => _products = products;

    /// <summary>Feature maps that are made.</summary>
    public int Outputs => _products.Outputs;

    /// <summary>Convolves, in the memory of <see cref="Arena.Current"/> if there is one.</summary>
    /// <param name="maps">The inputs.</param>
    /// <param name="result">Receives the outputs <c>[N, outputs, H, W]</c>, all of them; contiguous.</param>
    /// <returns>The mean and the variance of each image's outputs.</returns>
    public (double Mean, double Variance)[] Convolve(FeatureMaps maps, Tensor result)
    {
        if (maps.Channels != _products.Inputs || result.shape[1] != _products.Outputs)
            throw new ArgumentException($"{_products.Inputs} maps become {_products.Outputs}, got {maps.Channels} and room for {result.shape[1]}.");
        using var scope = NewDisposeScope();
        return new Run(_products, maps, result).Convolve();
    }

    public void Dispose() => _products.Dispose();

    /// <summary>One convolution under way.</summary>
    private sealed class Run
    {
        private readonly WinogradProducts _products;
        private readonly WinogradProducts.Pass _pass;
        private readonly WinogradKernels _kernels;
        private readonly WinogradTransforms _transforms;
        private readonly FeatureMaps _maps;
        private readonly TileBlocks _tiles;
        private readonly int _images, _height, _width, _blocksAtOnce;

        // Rows and columns of a tile's outputs, and of its inputs; and its products.
        private readonly int _side, _inputSide, _places;

        // Panels of a block; floats: of a map's sums, of a transformed input's place, of a part of a row, of a row, of a part of all of a block's rows, of a thread's scratch.
        private readonly int _panels, _map, _place, _part, _line, _blockPart, _scratchSize;
        private readonly float* _result, _scratch;
        private readonly double[] _sums, _squares;

        public Run(WinogradProducts products, FeatureMaps maps, Tensor result)
        {
            (_products, _kernels, _transforms, _maps) = (products, products.Kernels, products.Transforms, maps);
            (_side, _inputSide, _places) = (_transforms.Outputs, _transforms.Inputs, _transforms.Places);
            (_images, _height, _width) = ((int)result.shape[0], (int)result.shape[2], (int)result.shape[3]);
            _tiles = new TileBlocks(_images, _height, _width, _side, products.TilesAtOnce);
            _blocksAtOnce = Math.Min(_tiles.Count, products.BlocksAtOnce);
            int tiles = _tiles.Rows * _tiles.Columns;
            _pass = products.Begin(tiles, _blocksAtOnce);

            _panels = TileBlocks.DivideUp(tiles, _kernels.Panel);
            // Parts are written four values at a time, and read a vector at a time from the second value on.
            int atOnce = Math.Max(4, _kernels.Lanes);
            _part = TileBlocks.DivideUp(_tiles.Columns + 2, atOnce) * atOnce + _kernels.Lanes;
            _line = _side * _part;
            _place = _panels * _kernels.Panel + _kernels.Lanes;
            _blockPart = _panels * _kernels.Panel + 4;
            int input = (2 * _inputSide + 1) * _line + _places * _place + maps.Scratch(_line);
            // Not a multiple of 4 KB, or what is multiplied at once would fall on the same few lines of the first-level cache.
            _map = _panels * _places * _kernels.Panel + WinogradKernels.LargestPanel;
            int output = products.MapsAtOnce * _map + _side * _inputSide * _kernels.Lanes + _side * _side * _blockPart + _side * _line;
            _scratchSize = Math.Max(input, output);

            _result = FeatureMaps.AddressOf(result);
            _scratch = Arena.Take(Arena.Current, (long)Workers.Count * _scratchSize);
            _sums = new double[_tiles.Count * products.Outputs];
            _squares = new double[_sums.Length];
        }

        public (double Mean, double Variance)[] Convolve()
        {
            int inputPieces = TileBlocks.DivideUp(_products.Inputs, InputsAtOnce), outputPieces = TileBlocks.DivideUp(_products.Outputs, _products.MapsAtOnce);
            for (int first = 0; first < _tiles.Count; first += _blocksAtOnce)
            {
                int start = first, count = Math.Min(_blocksAtOnce, _tiles.Count - first);
                Workers.Share(count * inputPieces, (piece, worker) => TransformInputs(start, piece / inputPieces, piece % inputPieces * InputsAtOnce, Scratch(worker)));
                for (int block = 0; block < count; block++)
                    _pass.Multiply(block, _tiles[start + block].Tiles);
                Workers.Share(count * outputPieces, (piece, worker) => MakeOutputs(start, piece / outputPieces, piece % outputPieces * _products.MapsAtOnce, Scratch(worker)));
            }

            return [.. Enumerable.Range(0, _images).Select(Statistics)];
        }

        private float* Scratch(int worker) => _scratch + (long)worker * _scratchSize;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void TransformInputs(int first, int slot, int firstInput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = _tiles[first + slot];
            float* lines = scratch, between = lines + _inputSide * _line, line = between + _inputSide * _line;
            float* places = line + _line, forReading = places + _places * _place;
            float** rowsOfTile = stackalloc float*[_inputSide];
            for (int input = firstInput; input < Math.Min(firstInput + InputsAtOnce, _products.Inputs); input++)
            {
                for (int row = 0; row < rows; row++)
                {
                    int top = _side * (tileRow + row) - 1;
                    for (int y = 0; y < _inputSide; y++)
                    {
                        // The last two rows of the tiles above are the first two of these.
                        rowsOfTile[y] = lines + (top + 1 + y) % _inputSide * _line;
                        if (row == 0 || y >= 2)
                        {
                            RowParts.Read(
                                _maps, _height, _width, image, input, top + y, _side * tileColumn - 1, _side * columns + 2, _side, rowsOfTile[y], _part, line, forReading);
                        }
                    }

                    _transforms.TransformInput(rowsOfTile, _part, between, columns, places + row * columns, _place);
                }

                _pass.Put(slot, input, rows * columns, places, _place);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void MakeOutputs(int first, int slot, int firstOutput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = _tiles[first + slot];
            int panel = _kernels.Panel, outputs = Math.Min(_products.MapsAtOnce, _products.Outputs - firstOutput);
            float* sums = scratch, between = sums + (long)_products.MapsAtOnce * _map;
            float* parts = between + _side * _inputSide * _kernels.Lanes, lines = parts + _side * _side * _blockPart;
            _pass.Take(slot, rows * columns, firstOutput, outputs, sums, _map);

            int height = Math.Min(_side * rows, _height - _side * tileRow);
            int width = Math.Min(_side * columns, _width - _side * tileColumn);
            for (int output = firstOutput; output < firstOutput + outputs; output++)
            {
                float* map = _result + (((long)image * _products.Outputs + output) * _height + _side * tileRow) * _width + _side * tileColumn;
                float* ofMap = sums + (long)(output - firstOutput) * _map;
                for (int tile = 0; tile < rows * columns; tile += panel)
                    _transforms.TransformOutput(ofMap + tile * _places, panel, Math.Min(panel, rows * columns - tile), between, parts + tile, _blockPart);
                double sum = 0, squares = 0;
                for (int row = 0; row < rows; row++)
                {
                    for (int y = 0; y < Math.Min(_side, height - _side * row); y++)
                    {
                        RowParts.Join(_side, parts + y * _side * _blockPart + row * columns, _blockPart, lines, columns);
                        new ReadOnlySpan<float>(lines, width).CopyTo(new Span<float>(map + (long)(_side * row + y) * _width, width));
                        AddTo(ref sum, ref squares, lines, width);
                    }
                }

                int number = (first + slot) * _products.Outputs + output;
                (_sums[number], _squares[number]) = (sum, squares);
            }
        }

        private (double Mean, double Variance) Statistics(int image)
        {
            double sum = 0, squares = 0;
            int values = _tiles.OfImage * _products.Outputs;
            for (int i = image * values; i < (image + 1) * values; i++)
                (sum, squares) = (sum + _sums[i], squares + _squares[i]);
            double count = (double)_products.Outputs * _height * _width, mean = sum / count;
            return (mean, Math.Max(0, squares / count - mean * mean));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void AddTo(ref double sum, ref double squares, float* values, int count)
        {
            Vector256<double> sums = default, sums2 = default, products = default, products2 = default;
            int i = 0;
            for (; i <= count - 8; i += 8)
            {
                var (low, high) = Vector256.Widen(Vector256.Load(values + i));
                (sums, sums2) = (sums + low, sums2 + high);
                (products, products2) = (products + low * low, products2 + high * high);
            }

            sum += Vector256.Sum(sums + sums2);
            squares += Vector256.Sum(products + products2);
            for (; i < count; i++)
                (sum, squares) = (sum + values[i], squares + (double)values[i] * values[i]);
        }
    }
}

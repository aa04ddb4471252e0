using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// A 3x3 convolution of stride 1, padded by 1, without bias, by Winograd's F(4x4, 3x3): a quarter of the multiplications. Float32 on the CPU.
/// </summary>
/// <remarks>
/// A block of tiles at a time is transformed, multiplied and transformed back, so that all of it stays in the processor's caches. An output's
/// value depends on its image alone, and neither on the number of threads nor on the width of vectors, bit for bit.
/// </remarks>
internal sealed unsafe class WinogradConvolution : IDisposable
{
    // Measured: tiles of which a place's inputs fill half of a second-level cache of 512 KB; feature maps that make a piece of work.
    private const int BlockFloats = 68_000, LargestBlock = 256, MapsAtOnce = 8 * WinogradKernels.Rows, InputsAtOnce = 16;

    // Tiles of a block in a row of tiles: such blocks are about square.
    private const int BlockColumns = 32;

    private readonly WinogradKernels _kernels;
    private readonly Tensor _filters;
    private readonly int _inputs, _outputs, _groups;

    /// <summary>Transforms the filters.</summary>
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="kernels">What computes; null: <see cref="WinogradKernels.Best"/>.</param>
    public WinogradConvolution(Tensor weight, WinogradKernels? kernels = null)
    {
        _kernels = kernels ?? WinogradKernels.Best;
        (_outputs, _inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        _groups = (_outputs + WinogradKernels.Rows - 1) / WinogradKernels.Rows;
        _filters = torch.zeros([WinogradKernels.Places, _groups, _inputs, WinogradKernels.Rows], ScalarType.Float32).DetachFromDisposeScope();
        float* filters = FeatureMaps.AddressOf(weight), transformed = FeatureMaps.AddressOf(_filters);
        Workers.Share(_groups, (group, _) =>
        {
            Span<float> places = stackalloc float[WinogradKernels.Places];
            for (int output = group * WinogradKernels.Rows; output < Math.Min(_outputs, (group + 1) * WinogradKernels.Rows); output++)
            {
                for (int input = 0; input < _inputs; input++)
                {
                    WinogradKernels.TransformFilter(new ReadOnlySpan<float>(filters + 9 * ((long)output * _inputs + input), 9), places);
                    for (int place = 0; place < WinogradKernels.Places; place++)
                        transformed[(((long)place * _groups + group) * _inputs + input) * WinogradKernels.Rows + output % WinogradKernels.Rows] = places[place];
                }
            }
        });
    }

    /// <summary>Convolves.</summary>
    /// <param name="maps">The inputs.</param>
    /// <param name="result">Receives the outputs <c>[N, outputs, H, W]</c>, all of them; contiguous.</param>
    /// <returns>The mean and the variance of each image's outputs.</returns>
    public (double Mean, double Variance)[] Convolve(FeatureMaps maps, Tensor result)
    {
        if (maps.Channels != _inputs || result.shape[1] != _outputs)
            throw new ArgumentException($"{_inputs} maps become {_outputs}, got {maps.Channels} and room for {result.shape[1]}.");
        using var scope = NewDisposeScope();
        return new Run(this, maps, result).Convolve();
    }

    public void Dispose() => _filters.Dispose();

    /// <summary>One convolution under way.</summary>
    private sealed class Run
    {
        private readonly WinogradConvolution _owner;
        private readonly WinogradKernels _kernels;
        private readonly FeatureMaps _maps;
        private readonly int _images, _height, _width;
        private readonly int _tileRows, _tileColumns, _blockRows, _blockColumns, _blocksAcross, _blocksOfImage, _blocksAtOnce;

        // Floats: of a place of a block, of a block, of a quarter of a row, of a thread's scratch.
        private readonly int _place, _part, _line, _products, _scratchSize;
        private readonly long _block;
        private readonly float* _result, _blocks, _scratch, _filters;
        private readonly double[] _sums, _squares;

        public Run(WinogradConvolution owner, FeatureMaps maps, Tensor result)
        {
            (_owner, _kernels, _maps) = (owner, owner._kernels, maps);
            (_images, _height, _width) = ((int)result.shape[0], (int)result.shape[2], (int)result.shape[3]);
            (_tileRows, _tileColumns) = (DivideUp(_height, WinogradKernels.Outputs), DivideUp(_width, WinogradKernels.Outputs));
            int tiles = Math.Clamp(BlockFloats / owner._inputs / WinogradKernels.LargestPanel, 1, LargestBlock / WinogradKernels.LargestPanel) * WinogradKernels.LargestPanel;
            _blockColumns = Math.Min(_tileColumns, BlockColumns);
            _blockRows = Math.Min(_tileRows, Math.Max(1, tiles / _blockColumns));
            _blocksAcross = DivideUp(_tileColumns, _blockColumns);
            _blocksOfImage = _blocksAcross * DivideUp(_tileRows, _blockRows);
            _blocksAtOnce = Math.Min(_images * _blocksOfImage, Math.Clamp(Workers.Count, 2, 8));

            _place = DivideUp(_blockRows * _blockColumns, _kernels.Panel) * _kernels.Panel;
            _block = (long)WinogradKernels.Places * _place * owner._inputs;
            // Parts are written four values at a time, and read a vector at a time from the second value on.
            int atOnce = Math.Max(4, _kernels.Lanes);
            _part = DivideUp(_blockColumns + 2, atOnce) * atOnce + _kernels.Lanes;
            _line = WinogradKernels.Outputs * _part;
            int places = WinogradKernels.Places * (_place + _kernels.Lanes);
            int input = (2 * WinogradKernels.Inputs + 1) * _line + places + maps.Scratch(_line);
            // Not a multiple of 4 KB, or all places of a tile would fall on the same few lines of the first-level cache.
            _products = MapsAtOnce * _place + WinogradKernels.LargestPanel;
            int output = WinogradKernels.Places * _products + _kernels.Lanes + 24 * _kernels.Lanes + 2 * WinogradKernels.Outputs * _line;
            _scratchSize = Math.Max(input, output);

            _result = FeatureMaps.AddressOf(result);
            _filters = FeatureMaps.AddressOf(owner._filters);
            _blocks = FeatureMaps.AddressOf(torch.empty([_blocksAtOnce, _block], ScalarType.Float32));
            _scratch = FeatureMaps.AddressOf(torch.zeros([Workers.Count, _scratchSize], ScalarType.Float32));
            _sums = new double[_images * _blocksOfImage * owner._outputs];
            _squares = new double[_sums.Length];
        }

        public (double Mean, double Variance)[] Convolve()
        {
            int blocks = _images * _blocksOfImage;
            int inputPieces = DivideUp(_owner._inputs, InputsAtOnce), outputPieces = DivideUp(_owner._outputs, MapsAtOnce);
            for (int first = 0; first < blocks; first += _blocksAtOnce)
            {
                int start = first, count = Math.Min(_blocksAtOnce, blocks - first);
                Workers.Share(count * inputPieces, (piece, worker) => TransformInputs(start, piece / inputPieces, piece % inputPieces * InputsAtOnce, Scratch(worker)));
                Workers.Share(count * outputPieces, (piece, worker) => MakeOutputs(start, piece / outputPieces, piece % outputPieces * MapsAtOnce, Scratch(worker)));
            }

            return [.. Enumerable.Range(0, _images).Select(Statistics)];
        }

        private float* Scratch(int worker) => _scratch + (long)worker * _scratchSize;

        private (int Image, int TileRow, int TileColumn, int Rows, int Columns) Block(int number)
        {
            int image = number / _blocksOfImage, inside = number % _blocksOfImage;
            int row = inside / _blocksAcross * _blockRows, column = inside % _blocksAcross * _blockColumns;
            return (image, row, column, Math.Min(_blockRows, _tileRows - row), Math.Min(_blockColumns, _tileColumns - column));
        }

        /// <summary>Fills a block's place in memory: for each place, panel of tiles and input the panel's values.</summary>
        private void TransformInputs(int first, int slot, int firstInput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = Block(first + slot);
            float* lines = scratch, between = lines + WinogradKernels.Inputs * _line, line = between + WinogradKernels.Inputs * _line;
            float* places = line + _line, forReading = places + WinogradKernels.Places * (_place + _kernels.Lanes);
            float** six = stackalloc float*[WinogradKernels.Inputs];
            int panel = _kernels.Panel, place = _place + _kernels.Lanes, panels = DivideUp(rows * columns, panel);
            for (int input = firstInput; input < Math.Min(firstInput + InputsAtOnce, _owner._inputs); input++)
            {
                for (int row = 0; row < rows; row++)
                {
                    int top = WinogradKernels.Outputs * (tileRow + row) - 1;
                    for (int y = 0; y < WinogradKernels.Inputs; y++)
                    {
                        // The last two rows of the tiles above are the first two of these.
                        six[y] = lines + (top + 1 + y) % WinogradKernels.Inputs * _line;
                        if (row == 0 || y >= 2)
                            ReadLine(image, input, top + y, WinogradKernels.Outputs * tileColumn - 1, columns, six[y], line, forReading);
                    }

                    _kernels.TransformInput(six, _part, between, columns, places + row * columns, place);
                }

                float* block = _blocks + slot * _block;
                for (int at = 0; at < WinogradKernels.Places; at++)
                {
                    for (int p = 0; p < panels; p++)
                    {
                        new ReadOnlySpan<float>(places + at * place + p * panel, panel).CopyTo(new Span<float>(
                            block + (((long)at * (_place / panel) + p) * _owner._inputs + input) * panel, panel));
                    }
                }
            }
        }

        /// <summary>A row of the inputs around a block's tiles, zero outside of the maps, in four parts.</summary>
        private void ReadLine(int image, int input, int row, int from, int tiles, float* parts, float* line, float* scratch)
        {
            int count = WinogradKernels.Outputs * tiles + 2;
            if (row < 0 || row >= _height)
            {
                new Span<float>(parts, _line).Clear();
                return;
            }

            int left = Math.Max(0, -from), within = Math.Min(count - left, _width - from - left);
            new Span<float>(line, left).Clear();
            _maps.Read(image, input, row, from + left, within, line + left, scratch);
            new Span<float>(line + left + within, _line - left - within).Clear();
            FourParts.Split(line, parts, _part, tiles + 1);
        }

        private void MakeOutputs(int first, int slot, int firstOutput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = Block(first + slot);
            int panel = _kernels.Panel, panels = DivideUp(rows * columns, panel), inputs = _owner._inputs;
            int outputs = Math.Min(MapsAtOnce, _owner._outputs - firstOutput), groups = DivideUp(outputs, WinogradKernels.Rows);
            float* products = scratch, between = products + WinogradKernels.Places * _products + _kernels.Lanes;
            float* parts = between + 24 * _kernels.Lanes, lines = parts + WinogradKernels.Outputs * _line;
            for (int at = 0; at < WinogradKernels.Places; at++)
            {
                float* tiles = _blocks + slot * _block + (long)at * _place * inputs;
                for (int group = 0; group < groups; group++)
                {
                    float* filters = Filters(at, firstOutput, group);
                    float* next = group + 1 < groups ? Filters(at, firstOutput, group + 1) : Filters(at + 1, firstOutput, 0);
                    float* sums = products + at * _products + group * WinogradKernels.Rows * _place;
                    for (int p = 0; p < panels; p++)
                    {
                        // While a panel is multiplied, its share of the next filters and of the next place's tiles is fetched.
                        int share = group * panels + p, shares = groups * panels;
                        var ahead = new Ahead(
                            next + (long)p * WinogradKernels.Rows * inputs / panels, sizeof(float) * WinogradKernels.Rows / panels,
                            tiles + (long)inputs * _place + (long)share * inputs * _place / shares, sizeof(float) * _place / shares);
                        _kernels.Multiply(filters, tiles + (long)p * inputs * panel, inputs, sums + p * panel, _place, ahead);
                    }
                }
            }

            int height = Math.Min(WinogradKernels.Outputs * rows, _height - WinogradKernels.Outputs * tileRow);
            int width = Math.Min(WinogradKernels.Outputs * columns, _width - WinogradKernels.Outputs * tileColumn);
            for (int output = firstOutput; output < firstOutput + outputs; output++)
            {
                float* map = _result + (((long)image * _owner._outputs + output) * _height + WinogradKernels.Outputs * tileRow) * _width + WinogradKernels.Outputs * tileColumn;
                double sum = 0, squares = 0;
                for (int row = 0; row < rows; row++)
                {
                    _kernels.TransformOutput(products + (output - firstOutput) * _place + row * columns, _products, columns, between, parts, _part);
                    for (int y = 0; y < Math.Min(WinogradKernels.Outputs, height - WinogradKernels.Outputs * row); y++)
                    {
                        FourParts.Join(parts + y * _line, _part, lines, columns);
                        new ReadOnlySpan<float>(lines, width).CopyTo(new Span<float>(map + (long)(WinogradKernels.Outputs * row + y) * _width, width));
                        AddTo(ref sum, ref squares, lines, width);
                    }
                }

                int number = (first + slot) * _owner._outputs + output;
                (_sums[number], _squares[number]) = (sum, squares);
            }
        }

        private float* Filters(int place, int firstOutput, int group)
            => _filters + ((long)place * _owner._groups + firstOutput / WinogradKernels.Rows + group) * _owner._inputs * WinogradKernels.Rows;

        private (double Mean, double Variance) Statistics(int image)
        {
            double sum = 0, squares = 0;
            int values = _blocksOfImage * _owner._outputs;
            for (int i = image * values; i < (image + 1) * values; i++)
                (sum, squares) = (sum + _sums[i], squares + _squares[i]);
            double count = (double)_owner._outputs * _height * _width, mean = sum / count;
            return (mean, Math.Max(0, squares / count - mean * mean));
        }

        private static void AddTo(ref double sum, ref double squares, float* values, int count)
        {
            Vector128<double> sums = default, sums2 = default, products = default, products2 = default;
            int i = 0;
            for (; i <= count - 4; i += 4)
            {
                var (low, high) = Vector128.Widen(Vector128.Load(values + i));
                (sums, sums2) = (sums + low, sums2 + high);
                (products, products2) = (products + low * low, products2 + high * high);
            }

            sum += Vector128.Sum(sums + sums2);
            squares += Vector128.Sum(products + products2);
            for (; i < count; i++)
                (sum, squares) = (sum + values[i], squares + (double)values[i] * values[i]);
        }

        private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;
    }

    /// <summary>A row in four parts: every fourth value from the first on, from the second on and so on.</summary>
    private static class FourParts
    {
        /// <param name="row">The row, with values up to a multiple of 16.</param>
        /// <param name="parts">Receives the parts, with values up to a multiple of 4.</param>
        /// <param name="part">Floats from one part to the next.</param>
        /// <param name="count">Values in a part.</param>
        public static void Split(float* row, float* parts, int part, int count)
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

        /// <summary>The inverse.</summary>
        public static void Join(float* parts, int part, float* row, int count)
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
    }
}

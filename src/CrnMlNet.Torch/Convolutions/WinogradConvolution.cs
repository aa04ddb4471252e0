using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

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

    private readonly WinogradKernels _kernels;
    private readonly Arena? _arena;
    private readonly Tensor? _owned;
    private readonly float* _filters;
    private readonly int _inputs, _outputs, _groups;

    /// <summary>Transforms the filters.</summary>
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="kernels">What computes; null: <see cref="WinogradKernels.Best"/>.</param>
    /// <param name="arena">Whose memory to work in, which must not be given back before this is done with; null: memory of its own.</param>
    public WinogradConvolution(Tensor weight, WinogradKernels? kernels = null, Arena? arena = null)
    {
        (_kernels, _arena) = (kernels ?? WinogradKernels.Best, arena);
        (_outputs, _inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        _groups = (_outputs + WinogradKernels.Rows - 1) / WinogradKernels.Rows;
        long[] shape = [WinogradKernels.Places, _groups, _inputs, WinogradKernels.Rows];
        // The last group may have rows to spare, of which nothing is read in the end.
        _owned = arena is null ? torch.zeros(shape, ScalarType.Float32).DetachFromDisposeScope() : null;
        _filters = _owned is not null ? FeatureMaps.AddressOf(_owned) : arena!.Take(shape[0] * shape[1] * shape[2] * shape[3]);
        float* filters = FeatureMaps.AddressOf(weight);
        Workers.Share(_groups, (group, _) => TransformFilters(filters, group));
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

    public void Dispose() => _owned?.Dispose();

    /// <summary>Fills a group's place in memory: for each place and input the group's filters.</summary>
    private void TransformFilters(float* filters, int group)
    {
        int lanes = _kernels.Lanes, first = group * WinogradKernels.Rows, outputs = Math.Min(WinogradKernels.Rows, _outputs - first);
        float* nine = stackalloc float[9 * lanes], between = stackalloc float[18 * lanes], places = stackalloc float[WinogradKernels.Places * WinogradKernels.Rows * lanes];
        for (int input = 0; input < _inputs; input += lanes)
        {
            int inputs = Math.Min(lanes, _inputs - input);
            for (int i = 0; i < outputs; i++)
            {
                FourParts.Transpose(filters + 9 * ((long)(first + i) * _inputs + input), 9, inputs, 9, nine, lanes);
                _kernels.TransformFilters(nine, between, places + i * lanes, WinogradKernels.Rows * lanes);
            }

            for (int place = 0; place < WinogradKernels.Places; place++)
            {
                FourParts.Transpose(
                    places + place * WinogradKernels.Rows * lanes, lanes, outputs, inputs,
                    _filters + (((long)place * _groups + group) * _inputs + input) * WinogradKernels.Rows, WinogradKernels.Rows);
            }
        }
    }

    /// <summary>One convolution under way.</summary>
    private sealed class Run
    {
        private readonly WinogradConvolution _owner;
        private readonly WinogradKernels _kernels;
        private readonly FeatureMaps _maps;
        private readonly TileBlocks _tiles;
        private readonly int _images, _height, _width, _blocksAtOnce;

        // Floats: of a place of a block, of a block, of a quarter of a row, of a thread's scratch.
        private readonly int _place, _part, _line, _products, _scratchSize;
        private readonly long _block;
        private readonly float* _result, _blocks, _scratch, _filters;
        private readonly double[] _sums, _squares;

        public Run(WinogradConvolution owner, FeatureMaps maps, Tensor result)
        {
            (_owner, _kernels, _maps) = (owner, owner._kernels, maps);
            (_images, _height, _width) = ((int)result.shape[0], (int)result.shape[2], (int)result.shape[3]);
            _tiles = new TileBlocks(
                _images, _height, _width,
                Math.Clamp(BlockFloats / owner._inputs / WinogradKernels.LargestPanel, 1, LargestBlock / WinogradKernels.LargestPanel) * WinogradKernels.LargestPanel);
            _blocksAtOnce = Math.Min(_tiles.Count, Math.Clamp(Workers.Count, 2, 8));

            _place = TileBlocks.DivideUp(_tiles.Rows * _tiles.Columns, _kernels.Panel) * _kernels.Panel;
            _block = (long)WinogradKernels.Places * _place * owner._inputs;
            // Parts are written four values at a time, and read a vector at a time from the second value on.
            int atOnce = Math.Max(4, _kernels.Lanes);
            _part = TileBlocks.DivideUp(_tiles.Columns + 2, atOnce) * atOnce + _kernels.Lanes;
            _line = WinogradKernels.Outputs * _part;
            int places = WinogradKernels.Places * (_place + _kernels.Lanes);
            int input = (2 * WinogradKernels.Inputs + 1) * _line + places + maps.Scratch(_line);
            // Not a multiple of 4 KB, or all places of a tile would fall on the same few lines of the first-level cache.
            _products = MapsAtOnce * _place + WinogradKernels.LargestPanel;
            int output = WinogradKernels.Places * _products + _kernels.Lanes + 24 * _kernels.Lanes + 2 * WinogradKernels.Outputs * _line;
            _scratchSize = Math.Max(input, output);

            _result = FeatureMaps.AddressOf(result);
            _filters = owner._filters;
            _blocks = Arena.Take(owner._arena, _blocksAtOnce * _block);
            _scratch = Arena.Take(owner._arena, (long)Workers.Count * _scratchSize);
            _sums = new double[_tiles.Count * owner._outputs];
            _squares = new double[_sums.Length];
        }

        public (double Mean, double Variance)[] Convolve()
        {
            int inputPieces = TileBlocks.DivideUp(_owner._inputs, InputsAtOnce), outputPieces = TileBlocks.DivideUp(_owner._outputs, MapsAtOnce);
            for (int first = 0; first < _tiles.Count; first += _blocksAtOnce)
            {
                int start = first, count = Math.Min(_blocksAtOnce, _tiles.Count - first);
                Workers.Share(count * inputPieces, (piece, worker) => TransformInputs(start, piece / inputPieces, piece % inputPieces * InputsAtOnce, Scratch(worker)));
                Workers.Share(count * outputPieces, (piece, worker) => MakeOutputs(start, piece / outputPieces, piece % outputPieces * MapsAtOnce, Scratch(worker)));
            }

            return [.. Enumerable.Range(0, _images).Select(Statistics)];
        }

        private float* Scratch(int worker) => _scratch + (long)worker * _scratchSize;

        /// <summary>Fills a block's place in memory: for each place, panel of tiles and input the panel's values.</summary>
        private void TransformInputs(int first, int slot, int firstInput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = _tiles[first + slot];
            float* lines = scratch, between = lines + WinogradKernels.Inputs * _line, line = between + WinogradKernels.Inputs * _line;
            float* places = line + _line, forReading = places + WinogradKernels.Places * (_place + _kernels.Lanes);
            float** six = stackalloc float*[WinogradKernels.Inputs];
            int panel = _kernels.Panel, place = _place + _kernels.Lanes, panels = TileBlocks.DivideUp(rows * columns, panel);
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
                        {
                            FourParts.Read(
                                _maps, _height, _width, image, input, top + y, WinogradKernels.Outputs * tileColumn - 1, WinogradKernels.Outputs * columns + 2, six[y], _part, line, forReading);
                        }
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

        private void MakeOutputs(int first, int slot, int firstOutput, float* scratch)
        {
            var (image, tileRow, tileColumn, rows, columns) = _tiles[first + slot];
            int panel = _kernels.Panel, panels = TileBlocks.DivideUp(rows * columns, panel), inputs = _owner._inputs;
            int outputs = Math.Min(MapsAtOnce, _owner._outputs - firstOutput), groups = TileBlocks.DivideUp(outputs, WinogradKernels.Rows);
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
                        _kernels.Multiply(filters, tiles + (long)p * inputs * panel, inputs, sums + p * panel, _place, isFurther: false, ahead);
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
            int values = _tiles.OfImage * _owner._outputs;
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
    }
}

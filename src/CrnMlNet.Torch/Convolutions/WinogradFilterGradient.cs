using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// The gradient at the filters of a 3x3 convolution of stride 1, padded by 1, by Winograd's F(4x4, 3x3): with the forward pass'
/// <c>Y = A^T [(G g G^T) * (B^T d B)] A</c> it is <c>G^T [sum over tiles of (A D A^T) * (B^T d B)] G</c> for gradients D at the outputs.
/// </summary>
/// <remarks>Its value depends neither on the number of threads nor on the width of vectors, bit for bit.</remarks>
internal static unsafe class WinogradFilterGradient
{
    // As in the forward pass: tiles of which a place's values fill half of a second-level cache of 512 KB.
    private const int BlockFloats = 68_000, FewestTiles = 32, MostTiles = 256, GroupsAtOnce = 8;

    private const int Side = Winograd4x4.Side, Places = Side * Side;

    /// <summary>Gives the gradient.</summary>
    /// <param name="maps">The convolution's inputs.</param>
    /// <param name="gradient">The gradient at its outputs <c>[N, outputs, H, W]</c>, contiguous.</param>
    /// <param name="kernels">What computes; null: <see cref="WinogradKernels.Best"/>.</param>
    /// <param name="arena">Whose memory to work in; null: memory of its own.</param>
    /// <returns>The gradient at the filters <c>[outputs, inputs, 3, 3]</c>.</returns>
    public static Tensor Of(FeatureMaps maps, Tensor gradient, WinogradKernels? kernels = null, Arena? arena = null)
    {
        using var scope = NewDisposeScope();
        return new Run(maps, gradient, kernels ?? WinogradKernels.Best, arena).Sum().MoveToOuterDisposeScope();
    }

    /// <summary>One gradient on its way.</summary>
    private sealed class Run
    {
        private readonly WinogradKernels _kernels;
        private readonly FeatureMaps _maps;
        private readonly ActivatedMaps _gradient;
        private readonly TileBlocks _blocks;
        private readonly int _height, _width, _inputs, _outputs;

        // Panels of inputs, groups of outputs, tiles of a block.
        private readonly int _panels, _groups, _tiles;

        // Floats: of a quarter of a row, of a row, of a row of tiles, of a row of sums, of a thread's scratch.
        private readonly int _part, _line, _row, _sum, _scratchSize;
        private readonly float* _inputTiles, _gradientTiles, _sums, _scratch;

        public Run(FeatureMaps maps, Tensor gradient, WinogradKernels kernels, Arena? arena)
        {
            (_kernels, _maps, _gradient) = (kernels, maps, new ActivatedMaps(gradient));
            (_inputs, _outputs, _height, _width) = (maps.Channels, (int)gradient.shape[1], (int)gradient.shape[2], (int)gradient.shape[3]);
            _blocks = new TileBlocks((int)gradient.shape[0], _height, _width, Winograd4x4.M, Math.Clamp(BlockFloats / Math.Max(_inputs, _outputs), FewestTiles, MostTiles));
            _panels = TileBlocks.DivideUp(_inputs, kernels.Panel);
            _groups = TileBlocks.DivideUp(_outputs, kernels.Rows);
            _tiles = _blocks.Rows * _blocks.Columns;

            int atOnce = Math.Max(4, kernels.Lanes);
            _part = TileBlocks.DivideUp(_blocks.Columns + 2, atOnce) * atOnce + kernels.Lanes;
            _line = Winograd4x4.M * _part;
            _row = TileBlocks.DivideUp(_blocks.Columns, atOnce) * atOnce;
            _sum = _panels * kernels.Panel;
            int places = Places * Math.Max(kernels.Panel, kernels.Rows) * _row;
            _scratchSize = Math.Max((2 * Side + 1) * _line + places + maps.Scratch(_line), 27 * kernels.Lanes);

            _inputTiles = Arena.Take(arena, (long)Places * _tiles * _sum);
            _gradientTiles = Arena.Take(arena, (long)Places * _groups * _tiles * _kernels.Rows);
            _sums = Arena.Take(arena, (long)Places * _groups * _kernels.Rows * _sum);
            _scratch = Arena.Take(arena, (long)Workers.Count * _scratchSize);
        }

        public Tensor Sum()
        {
            int pieces = TileBlocks.DivideUp(_groups, GroupsAtOnce);
            for (int number = 0; number < _blocks.Count; number++)
            {
                var block = _blocks[number];
                bool isFurther = number > 0;
                Workers.Share(_panels + _groups, (piece, worker) =>
                {
                    if (piece < _panels)
                        TransformInputs(block, piece, Scratch(worker));
                    else
                        TransformGradients(block, piece - _panels, Scratch(worker));
                });
                Workers.Share(Places * pieces, (piece, _) => Multiply(block.Tiles, piece / pieces, piece % pieces * GroupsAtOnce, isFurther));
            }

            var filters = torch.empty([_outputs, _inputs, 3, 3], ScalarType.Float32);
            float* result = FeatureMaps.AddressOf(filters);
            Workers.Share(_outputs, (output, worker) => TransformSums(output, result, Scratch(worker)));
            return filters;
        }

        private float* Scratch(int worker) => _scratch + (long)worker * _scratchSize;

        /// <summary>A panel of inputs: for each place and tile the panel's values.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void TransformInputs(TileBlock block, int panel, float* scratch)
        {
            float* lines = scratch, between = lines + Side * _line, line = between + Side * _line;
            float* places = line + _line, forReading = places + Places * _kernels.Panel * _row;
            float** six = stackalloc float*[Side];
            int first = panel * _kernels.Panel, inputs = Math.Min(_kernels.Panel, _inputs - first);
            for (int row = 0; row < block.Rows; row++)
            {
                for (int i = 0; i < inputs; i++)
                {
                    for (int y = 0; y < Side; y++)
                    {
                        six[y] = lines + y * _line;
                        RowParts.Read(
                            _maps, _height, _width, block.Image, first + i, Winograd4x4.M * (block.TileRow + row) - 1 + y, Winograd4x4.M * block.TileColumn - 1,
                            Winograd4x4.M * block.Columns + 2, Winograd4x4.M, six[y], _part, line, forReading);
                    }

                    _kernels.Of4x4.TransformInput(six, _part, between, block.Columns, places + i * _row, _kernels.Panel * _row);
                }

                for (int at = 0; at < Places; at++)
                {
                    RowParts.Transpose(
                        places + (long)at * _kernels.Panel * _row, _row, inputs, block.Columns,
                        InputTiles(at, panel) + (long)row * block.Columns * _kernels.Panel, _kernels.Panel);
                }
            }
        }

        /// <summary>A group of outputs: for each place and tile the group's values.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void TransformGradients(TileBlock block, int group, float* scratch)
        {
            float* lines = scratch, between = lines + Winograd4x4.M * _line, line = between + Side * _line, places = line + _line;
            float** four = stackalloc float*[Winograd4x4.M];
            int first = group * _kernels.Rows, outputs = Math.Min(_kernels.Rows, _outputs - first);
            for (int row = 0; row < block.Rows; row++)
            {
                for (int i = 0; i < outputs; i++)
                {
                    for (int y = 0; y < Winograd4x4.M; y++)
                    {
                        four[y] = lines + y * _line;
                        RowParts.Read(
                            _gradient, _height, _width, block.Image, first + i, Winograd4x4.M * (block.TileRow + row) + y, Winograd4x4.M * block.TileColumn,
                            Winograd4x4.M * block.Columns, Winograd4x4.M, four[y], _part, line, null);
                    }

                    _kernels.Of4x4.TransformGradient(four, _part, between, block.Columns, places + i * _row, _kernels.Rows * _row);
                }

                for (int at = 0; at < Places; at++)
                {
                    RowParts.Transpose(
                        places + (long)at * _kernels.Rows * _row, _row, outputs, block.Columns,
                        GradientTiles(at, group) + (long)row * block.Columns * _kernels.Rows, _kernels.Rows);
                }
            }
        }

        /// <summary>Adds a block's products to a place's sums, or begins these with them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(int tiles, int place, int firstGroup, bool isFurther)
        {
            int panel = _kernels.Panel, end = Math.Min(firstGroup + GroupsAtOnce, _groups);
            for (int group = firstGroup; group < end; group++)
            {
                float* sums = _sums + ((long)place * _groups + group) * _kernels.Rows * _sum;
                float* gradients = GradientTiles(place, group);
                for (int p = 0; p < _panels; p++)
                {
                    // While a panel is multiplied, its share of the next group is fetched, and the next place's panel.
                    var ahead = new Ahead(
                        GradientTiles(place, group + 1) + (long)p * _kernels.Rows * tiles / _panels, sizeof(float) * _kernels.Rows / _panels,
                        InputTiles(place + 1, p) + (long)(group - firstGroup) * panel * tiles / GroupsAtOnce, sizeof(float) * panel / GroupsAtOnce);
                    _kernels.Multiply(gradients, InputTiles(place, p), tiles, Math.Min(_kernels.Rows, _outputs - group * _kernels.Rows), sums + p * panel, _sum, isFurther, ahead);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void TransformSums(int output, float* filters, float* scratch)
        {
            int lanes = _kernels.Lanes;
            float* between = scratch + 9 * lanes;
            for (int input = 0; input < _inputs; input += lanes)
            {
                _kernels.Of4x4.TransformSums(_sums + (long)output * _sum + input, (long)_groups * _kernels.Rows * _sum, between, scratch);
                RowParts.Transpose(scratch, lanes, 9, Math.Min(lanes, _inputs - input), filters + 9 * ((long)output * _inputs + input), 9);
            }
        }

        private float* InputTiles(int place, int panel) => _inputTiles + ((long)place * _panels + panel) * _tiles * _kernels.Panel;

        private float* GradientTiles(int place, int group) => _gradientTiles + ((long)place * _groups + group) * _tiles * _kernels.Rows;
    }
}

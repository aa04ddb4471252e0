using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>Products in float32, by <see cref="WinogradKernels.Multiply"/>: of blocks so small that what is multiplied stays in the processor's caches.</summary>
internal sealed unsafe class Float32Products : WinogradProducts
{
    // Measured: tiles of which a place's inputs fill half of a second-level cache of 512 KB.
    private const int BlockFloats = 68_000, LargestBlock = 256;

    private readonly Tensor? _owned;
    private readonly float* _filters;
    private readonly int _groups;

    /// <summary>Transforms the filters.</summary>
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="kernels">What computes.</param>
    /// <param name="transforms">The transforms, of the same vectors.</param>
    /// <param name="arena">Where to keep the filters, which must not be given back before this is done with; null: memory of its own.</param>
    public Float32Products(Tensor weight, WinogradKernels kernels, WinogradTransforms transforms, Arena? arena = null) : base(weight, kernels, transforms)
    {
        _groups = TileBlocks.DivideUp(Outputs, kernels.Rows);
        long[] shape = [transforms.Places, _groups, Inputs, kernels.Rows];
        // The last group may have rows to spare, of which nothing is read in the end.
        _owned = arena is null ? torch.zeros(shape, ScalarType.Float32).DetachFromDisposeScope() : null;
        _filters = _owned is not null ? FeatureMaps.AddressOf(_owned) : arena!.Take(shape[0] * shape[1] * shape[2] * shape[3]);
        float* filters = FeatureMaps.AddressOf(weight);
        Workers.Share(_groups, (group, _) => TransformFilters(filters, group));
    }

    public override int TilesAtOnce => Math.Clamp(BlockFloats / Inputs / WinogradKernels.LargestPanel, 1, LargestBlock / WinogradKernels.LargestPanel) * WinogradKernels.LargestPanel;

    public override int BlocksAtOnce => Math.Clamp(Workers.Count, 2, 8);

    public override int MapsAtOnce => 8 * Kernels.Rows;

    public override Pass Begin(int tiles, int blocks) => new PanelPass(this, tiles, blocks);

    public override void Dispose() => _owned?.Dispose();

    /// <summary>Fills a group's place in memory: for each place and input the group's filters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformFilters(float* filters, int group)
    {
        int lanes = Kernels.Lanes, first = group * Kernels.Rows, outputs = Math.Min(Kernels.Rows, Outputs - first);
        float* nine = stackalloc float[9 * lanes], between = stackalloc float[3 * Transforms.Inputs * lanes], places = stackalloc float[Transforms.Places * Kernels.Rows * lanes];
        for (int input = 0; input < Inputs; input += lanes)
        {
            int inputs = Math.Min(lanes, Inputs - input);
            for (int i = 0; i < outputs; i++)
            {
                RowParts.Transpose(filters + 9 * ((long)(first + i) * Inputs + input), 9, inputs, 9, nine, lanes);
                Transforms.TransformFilters(nine, between, places + i * lanes, Kernels.Rows * lanes);
            }

            for (int place = 0; place < Transforms.Places; place++)
                RowParts.Transpose(places + place * Kernels.Rows * lanes, lanes, outputs, inputs, Filters(place, group) + (long)input * Kernels.Rows, Kernels.Rows);
        }
    }

    private float* Filters(int place, int group) => _filters + ((long)place * _groups + group) * Inputs * Kernels.Rows;

    /// <summary>Inputs in panels: for each place, panel of tiles and input the panel's values.</summary>
    private sealed class PanelPass : Pass
    {
        private readonly Float32Products _owner;
        private readonly WinogradKernels _kernels;
        private readonly int _inputs, _places, _panels;
        private readonly float* _blocks;

        public PanelPass(Float32Products owner, int tiles, int blocks)
        {
            (_owner, _kernels, _inputs, _places) = (owner, owner.Kernels, owner.Inputs, owner.Transforms.Places);
            _panels = TileBlocks.DivideUp(tiles, _kernels.Panel);
            _blocks = Arena.Take(Arena.Current, (long)blocks * _places * _panels * _kernels.Panel * _inputs);
        }

        public override void Put(int block, int input, int tiles, float* places, int place)
        {
            int panel = _kernels.Panel, ofPanel = _inputs * panel;
            _kernels.PutInPanels(places, place, _places, TileBlocks.DivideUp(tiles, panel), Tiles(block, 0) + (long)input * panel, (long)_panels * ofPanel, ofPanel);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Take(int block, int tiles, int firstOutput, int outputs, float* sums, int map)
        {
            int panel = _kernels.Panel, rows = _kernels.Rows, panels = TileBlocks.DivideUp(tiles, panel), firstGroup = firstOutput / rows, groups = TileBlocks.DivideUp(outputs, rows);
            for (int at = 0; at < _places; at++)
            {
                for (int group = 0; group < groups; group++)
                {
                    float* filters = _owner.Filters(at, firstGroup + group);
                    float* next = group + 1 < groups ? _owner.Filters(at, firstGroup + group + 1) : _owner.Filters(at + 1, firstGroup);
                    float* ofGroup = sums + (long)group * rows * map + at * panel;
                    for (int p = 0; p < panels; p++)
                    {
                        // While a panel is multiplied, its share of the next filters and of the next place's tiles is fetched.
                        int share = group * panels + p, shares = groups * panels, ofPlace = _panels * panel;
                        var ahead = new Ahead(
                            next + (long)p * rows * _inputs / panels, sizeof(float) * rows / panels,
                            Tiles(block, at + 1) + (long)share * _inputs * ofPlace / shares, sizeof(float) * ofPlace / shares);
                        _kernels.Multiply(filters, Tiles(block, at) + (long)p * _inputs * panel, _inputs, Math.Min(rows, outputs - group * rows), ofGroup + p * _places * panel, map, isFurther: false, ahead);
                    }
                }
            }
        }

        private float* Tiles(int block, int place) => _blocks + ((long)block * _places + place) * _panels * _kernels.Panel * _inputs;
    }
}

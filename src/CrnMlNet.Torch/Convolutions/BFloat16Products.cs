using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// Products in bfloat16, by libtorch's batched product, one matrix for each place: filters, inputs and sums are rounded to 8 significant bits, and summed in
/// float32. For processors that have such instructions.
/// </summary>
internal sealed unsafe class BFloat16Products : WinogradProducts
{
    // So many that filters, which are read for each block, take little of the time, and a thread's sums stay in its second-level cache.
    private const int BlockNumbers = 20_000_000, SmallestBlock = 256, LargestBlock = 1024;

    private readonly Tensor _filters;

    /// <summary>Transforms the filters.</summary>
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="kernels">What computes the transforms, those of 4x4: their products grow less before they cancel.</param>
    public BFloat16Products(Tensor weight, WinogradKernels kernels) : base(weight, kernels, kernels.Of4x4)
    {
        _filters = torch.empty([Transforms.Places, Outputs, Inputs], ScalarType.BFloat16).DetachFromDisposeScope();
        float* filters = FeatureMaps.AddressOf(weight);
        ushort* transformed = AddressOf(_filters);
        Workers.Share(Outputs, (output, _) => TransformFilters(filters, transformed, output));
    }

    public override int TilesAtOnce => Math.Clamp(BlockNumbers / Transforms.Places / Inputs, SmallestBlock, LargestBlock) / WinogradKernels.LargestPanel * WinogradKernels.LargestPanel;

    public override int BlocksAtOnce => 1;

    public override int MapsAtOnce => 4;

    public override Pass Begin(int tiles, int blocks) => new MatrixPass(this, tiles);

    public override void Dispose() => _filters.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformFilters(float* filters, ushort* transformed, int output)
    {
        int lanes = Kernels.Lanes;
        float* nine = stackalloc float[9 * lanes], between = stackalloc float[3 * Transforms.Inputs * lanes], places = stackalloc float[Transforms.Places * lanes];
        for (int input = 0; input < Inputs; input += lanes)
        {
            int inputs = Math.Min(lanes, Inputs - input);
            RowParts.Transpose(filters + 9 * ((long)output * Inputs + input), 9, inputs, 9, nine, lanes);
            Transforms.TransformFilters(nine, between, places, lanes);
            for (int place = 0; place < Transforms.Places; place++)
                Round(places + place * lanes, transformed + ((long)place * Outputs + output) * Inputs + input, inputs);
        }
    }

    private static ushort* AddressOf(Tensor tensor) => (ushort*)FeatureMaps.AddressOf(tensor, ScalarType.BFloat16);

    /// <summary>Rounds to the nearest, and of two as near to the even one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Round(float* source, ushort* destination, int count)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
            Vector256.Narrow(Rounded(Vector256.Load((uint*)source + i)), Rounded(Vector256.Load((uint*)source + i + 8))).Store(destination + i);
        for (; i < count; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[i]);
            destination[i] = (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
        }
    }

    private static Vector256<uint> Rounded(Vector256<uint> bits) => (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256.Create(1u))) >> 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Widen(ushort* source, float* destination, int count)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
        {
            var (low, high) = Vector256.Widen(Vector256.Load(source + i));
            (low << 16).Store((uint*)destination + i);
            (high << 16).Store((uint*)destination + i + 8);
        }

        for (; i < count; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>Inputs as matrices: for each place and input the block's tiles.</summary>
    private sealed class MatrixPass : Pass
    {
        private readonly BFloat16Products _owner;
        private readonly Tensor _inputs;
        private readonly ushort* _address;
        private Tensor? _sums;
        private ushort* _ofSums;

        public MatrixPass(BFloat16Products owner, int tiles)
        {
            _owner = owner;
            _inputs = torch.empty([(long)owner.Transforms.Places * owner.Inputs * tiles], ScalarType.BFloat16);
            _address = AddressOf(_inputs);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Put(int block, int input, int tiles, float* places, int place)
        {
            for (int at = 0; at < _owner.Transforms.Places; at++)
                Round(places + at * place, _address + ((long)at * _owner.Inputs + input) * tiles, tiles);
        }

        public override void Multiply(int block, int tiles)
        {
            _sums?.Dispose();
            using var filled = _inputs.narrow(0, 0, (long)_owner.Transforms.Places * _owner.Inputs * tiles);
            using var matrices = filled.view(_owner.Transforms.Places, _owner.Inputs, tiles);
            _sums = _owner._filters.bmm(matrices);
            _ofSums = AddressOf(_sums);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Take(int block, int tiles, int firstOutput, int outputs, float* sums, int map)
        {
            int panel = _owner.Kernels.Panel;
            for (int at = 0; at < _owner.Transforms.Places; at++)
            {
                for (int output = 0; output < outputs; output++)
                {
                    ushort* ofOutput = _ofSums + ((long)at * _owner.Outputs + firstOutput + output) * tiles;
                    for (int first = 0; first < tiles; first += panel)
                        Widen(ofOutput + first, sums + (long)output * map + _owner.Transforms.Places * first + at * panel, Math.Min(panel, tiles - first));
                }
            }
        }
    }
}

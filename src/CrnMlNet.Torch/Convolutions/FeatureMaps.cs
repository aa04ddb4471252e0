using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>Feature maps that a convolution reads a piece of a row at a time, so that they need not stand in memory as it reads them.</summary>
internal abstract unsafe class FeatureMaps
{
    /// <summary>How many maps there are.</summary>
    public abstract int Channels { get; }

    /// <summary>Copies a piece of a row.</summary>
    /// <param name="image">Whose maps.</param>
    /// <param name="channel">Which map.</param>
    /// <param name="row">Which row.</param>
    /// <param name="from">The first column.</param>
    /// <param name="count">How many columns.</param>
    /// <param name="destination">Receives them.</param>
    /// <param name="scratch">Room for <see cref="Scratch"/> floats.</param>
    public abstract void Read(int image, int channel, int row, int from, int count, float* destination, float* scratch);

    /// <summary>Floats that <see cref="Read"/> needs room for to read so many columns.</summary>
    public virtual int Scratch(int columns) => 0;

    /// <summary>Where a contiguous float32 CPU tensor's values begin.</summary>
    public static float* AddressOf(Tensor tensor) => (float*)AddressOf(tensor, ScalarType.Float32);

    /// <summary>Where a contiguous CPU tensor's values of some type begin.</summary>
    public static void* AddressOf(Tensor tensor, ScalarType type)
    {
        if (tensor.dtype != type || tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException($"A contiguous {type} tensor on the CPU is needed, got {tensor.dtype} on {tensor.device}.", nameof(tensor));
        // A span of all of it could not be longer than 2 GB.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        fixed (byte* address = first.bytes)
            return address;
    }
}

/// <summary>
/// The output of a convolution, which layer normalisation and the leaky ReLU have yet to be applied to: that is done to what is read.
/// </summary>
internal sealed unsafe class ActivatedMaps : FeatureMaps
{
    private readonly float* _address;
    private readonly float[]? _scales, _shifts;
    private readonly float _slope = 1;
    private readonly int _rows, _columns;

    /// <summary>Maps as they are.</summary>
    /// <param name="maps">The maps <c>[N, C, H, W]</c>, contiguous.</param>
    public ActivatedMaps(Tensor maps)
    {
        Maps = maps;
        _address = AddressOf(maps);
        (Channels, _rows, _columns) = ((int)maps.shape[1], (int)maps.shape[2], (int)maps.shape[3]);
    }

    /// <summary>Maps <c>x</c> that are read as <c>x * scale + shift</c>, times the slope where that is below 0.</summary>
    /// <param name="maps">The maps <c>[N, C, H, W]</c>, contiguous.</param>
    /// <param name="scales">For each image and channel.</param>
    /// <param name="shifts">For each image and channel.</param>
    /// <param name="slope">The leaky ReLU's slope.</param>
    public ActivatedMaps(Tensor maps, float[] scales, float[] shifts, float slope) : this(maps)
        => (_scales, _shifts, _slope) = (scales, shifts, slope);

    public override int Channels { get; }

    /// <summary>The maps <c>[N, C, H, W]</c>, not activated.</summary>
    public Tensor Maps { get; }

    public int Rows => _rows;

    public int Columns => _columns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Read(int image, int channel, int row, int from, int count, float* destination, float* scratch)
    {
        int map = image * Channels + channel;
        float* source = _address + ((long)map * _rows + row) * _columns + from;
        // The next map's is wanted soon, and so short that the processor would not foresee it.
        float* soon = source + (long)_rows * _columns;
        for (int i = 0; i < count; i += Lanes512.Count)
            Lanes512.Fetch(soon + i);
        if (_scales is null)
            new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(destination, count));
        else
            WinogradKernels.Best.Activate(source, destination, count, _scales[map], _shifts![map], _slope);
    }

    /// <summary>The maps <c>[N, C, H, W]</c> as they are read; the memory is the same.</summary>
    public Tensor InPlace()
    {
        if (_scales is null)
            return Maps;
        int area = _rows * _columns;
        Workers.Share((int)Maps.shape[0] * Channels, (map, _) =>
        {
            float* values = _address + (long)map * area;
            WinogradKernels.Best.Activate(values, values, area, _scales[map], _shifts![map], _slope);
        });
        return Maps;
    }
}

/// <summary>Maps at twice the rows and columns, interpolated bilinearly with corners aligned.</summary>
internal sealed unsafe class UpsampledMaps : FeatureMaps
{
    private readonly ActivatedMaps _maps;
    private readonly int[] _rows, _columns;
    private readonly float[] _rowWeights, _columnWeights;

    public UpsampledMaps(ActivatedMaps maps, int rows, int columns)
    {
        _maps = maps;
        (_rows, _rowWeights) = Places(maps.Rows, rows);
        (_columns, _columnWeights) = Places(maps.Columns, columns);
    }

    public override int Channels => _maps.Channels;

    // With a vector to spare.
    public override int Scratch(int columns) => 2 * (columns / 2 + 4 + Vector512<float>.Count);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Read(int image, int channel, int row, int from, int count, float* destination, float* scratch)
    {
        int first = _columns[from], width = Math.Min(_columns[from + count - 1] + 2, _maps.Columns) - first;
        int upper = _rows[row], lower = Math.Min(upper + 1, _maps.Rows - 1);
        float* above = scratch, below = scratch + Scratch(count) / 2;
        _maps.Read(image, channel, upper, first, width, above, null);
        _maps.Read(image, channel, lower, first, width, below, null);
        WinogradKernels.Best.Blend(above, below, width, _rowWeights[row]);
        above[width] = above[width - 1];
        fixed (int* columns = _columns)
        fixed (float* weights = _columnWeights)
            WinogradKernels.Best.Interpolate(above, columns + from, weights + from, count, destination);
    }

    // As libtorch does, in single precision (aten/src/ATen/native/UpSample.h, area_pixel_compute_scale and compute_source_index_and_lambda).
    private static (int[] Places, float[] Weights) Places(int source, int count)
    {
        float scale = count > 1 ? (float)(source - 1) / (count - 1) : 0;
        var (places, weights) = (new int[count], new float[count]);
        for (int i = 0; i < count; i++)
        {
            float place = scale * i;
            places[i] = Math.Min((int)place, source - 1);
            weights[i] = place - places[i];
        }

        return (places, weights);
    }
}

/// <summary>Some maps, then others.</summary>
internal sealed unsafe class JoinedMaps(FeatureMaps first, FeatureMaps then) : FeatureMaps
{
    public override int Channels => first.Channels + then.Channels;

    public override int Scratch(int columns) => Math.Max(first.Scratch(columns), then.Scratch(columns));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Read(int image, int channel, int row, int from, int count, float* destination, float* scratch)
    {
        if (channel < first.Channels)
            first.Read(image, channel, row, from, count, destination, scratch);
        else
            then.Read(image, channel - first.Channels, row, from, count, destination, scratch);
    }
}

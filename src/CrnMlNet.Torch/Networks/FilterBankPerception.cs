using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A perception network that needs neither weights nor training: a bank of small frequency filters at several scales. Each
/// tap tells how strong every frequency and orientation is in each neighbourhood, not where exactly its crests lie. So grain,
/// leaves and bricks can be matched without being pixel for pixel the photo's, where comparing pixels would leave their blur.
/// </summary>
/// <remarks>
/// The filters are the 5x5 cosine basis (DCT-II) without its constant, on luma; the strength is the mean absolute response
/// over 4x4 cells that overlap by half. Tap <c>texture_s</c> sees the image averaged over s x s pixels, for s = 1, 2, 4, 8.
/// This is a first-order scattering network (Bruna &amp; Mallat, 2013) with cosine filters. Colour is compared as it is, in
/// opponent channels averaged over 4x4 pixels (<c>colour_4</c>): matched as texture, it makes purple and green speckle.
/// </remarks>
public sealed class FilterBankPerception : IPerceptionNetwork
{
    private const int Scales = 4;
    private const int FilterSize = 5;
    private const int Cell = 4;
    private const int ColourScale = 4;

    // Luma, red against green, and yellow against blue: orthogonal.
    private static readonly float[] Opponents =
    [
        1 / 3f, 1 / 3f, 1 / 3f,
        1 / 2f, -1 / 2f, 0,
        1 / 4f, 1 / 4f, -1 / 2f,
    ];

    private readonly Tensor _opponents;
    private readonly Tensor _filters;

    /// <summary>Makes the filters.</summary>
    /// <param name="device">Where images will be.</param>
    public FilterBankPerception(Device device)
    {
        TorchBackend.Start();
        _opponents = torch.tensor(Opponents, [3, 3, 1, 1], device: device);
        _filters = CosineFilters(device);
    }

    /// <summary>How many strengths a texture tap has at each place.</summary>
    internal int Strengths => (int)_filters.shape[0];

    /// <inheritdoc/>
    public string Description => "a bank of frequency filters (no VGG-19 weights given)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps { get; } = [.. Enumerable.Range(0, Scales).Select(scale => $"texture_{1 << scale}"), $"colour_{ColourScale}"];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images)
    {
        var taps = new Tensor[Scales + 1];
        // In the images' own precision.
        var filters = _filters.to(images.dtype);
        var x = nn.functional.conv2d(images, _opponents.to(images.dtype));
        for (int scale = 0; scale < Scales; scale++)
        {
            taps[scale] = Strength(x.narrow(1, 0, 1), filters);
            if (1 << scale == ColourScale)
                taps[Scales] = x;
            x = nn.functional.avg_pool2d(x, 2);
        }
        return taps;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _opponents.Dispose();
        _filters.Dispose();
    }

    private static Tensor Strength(Tensor luma, Tensor filters)
    {
        const int Margin = FilterSize / 2;
        var padded = nn.functional.pad(luma, [Margin, Margin, Margin, Margin], PaddingModes.Replicate);
        // The coarsest scale of a small image has less than a cell.
        var cell = (Math.Min(Cell, luma.shape[2]), Math.Min(Cell, luma.shape[3]));
        return nn.functional.avg_pool2d(nn.functional.conv2d(padded, filters).abs(), cell, stride: (Cell / 2, Cell / 2), ceil_mode: true);
    }

    private static Tensor CosineFilters(Device device)
    {
        const int Size = FilterSize;
        var filters = new List<float>();
        for (int frequency = 1; frequency < Size * Size; frequency++)
            for (int place = 0; place < Size * Size; place++)
                filters.Add((float)(Cosine(frequency / Size, place / Size) * Cosine(frequency % Size, place % Size)));
        return torch.tensor(filters, [Size * Size - 1, 1, Size, Size], device: device);
    }

    private static double Cosine(int frequency, int place) =>
        Math.Sqrt((frequency == 0 ? 1.0 : 2.0) / FilterSize) * Math.Cos(Math.PI * frequency * (2 * place + 1) / (2 * FilterSize));
}

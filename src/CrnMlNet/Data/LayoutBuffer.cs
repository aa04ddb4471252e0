using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Data;

/// <summary>
/// Room for layouts at the working size on their way to the network: of each pixel the channel, a byte, or for soft labels the
/// share of every channel, floats.
/// </summary>
internal sealed class LayoutBuffer
{
    private readonly int _pixels;
    private readonly int _channels;
    private readonly byte[] _ids = [];
    private readonly float[] _shares = [];

    /// <param name="architecture">The network.</param>
    /// <param name="isSoft">Whether the layouts are soft.</param>
    /// <param name="count">How many layouts.</param>
    public LayoutBuffer(SynthesisArchitecture architecture, bool isSoft, int count)
    {
        (Height, Width, Count, IsSoft) = (architecture.Height, architecture.Width, count, isSoft);
        _pixels = Height * Width;
        _channels = architecture.Channels;
        if (isSoft)
            _shares = new float[(long)count * _channels * _pixels];
        else
            _ids = new byte[count * _pixels];
    }

    public int Height { get; }

    public int Width { get; }

    public int Count { get; }

    public bool IsSoft { get; }

    /// <summary>The channel of every pixel of a layout, <c>[H, W]</c>.</summary>
    public Span<byte> Ids(int place) => _ids.AsSpan(place * _pixels, _pixels);

    /// <summary>Every channel's shares of a soft layout, <c>[C, H, W]</c>.</summary>
    public Span<float> Shares(int place) => _shares.AsSpan(place * _channels * _pixels, _channels * _pixels);

    /// <summary>Paints the first <paramref name="count"/> layouts.</summary>
    public void Paint(Synthesizer synthesizer, PhotoBuffer photos, int count)
    {
        var ids = _ids.AsSpan(0, IsSoft ? 0 : count * _pixels);
        var shares = _shares.AsSpan(0, IsSoft ? count * _channels * _pixels : 0);
        switch (IsSoft, photos.IsVector)
        {
            case (false, false): synthesizer.Synthesize(ids, photos.Bytes(count)); break;
            case (false, true): synthesizer.Synthesize(ids, photos.Values(count)); break;
            case (true, false): synthesizer.Synthesize(shares, photos.Bytes(count)); break;
            case (true, true): synthesizer.Synthesize(shares, photos.Values(count)); break;
        }
    }

    /// <summary>Gives this buffer's only layout to the training pairs, which keep it.</summary>
    public void AddTo(TrainingPairs pairs, byte[] photo)
    {
        if (IsSoft)
            pairs.Add(_shares, photo);
        else
            pairs.Add(_ids, photo);
    }
}

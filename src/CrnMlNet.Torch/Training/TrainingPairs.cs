using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// The pairs (L, I) to learn from, at the working size, in memory: class ids and photos as bytes; or, for soft layouts, every
/// channel's shares as floats. All are of one kind.
/// </summary>
public sealed class TrainingPairs
{
    /// <summary>Bytes of memory that a pair with class ids takes for each of its pixels: the id and three colours.</summary>
    public const int BytesPerPixel = 4;

    private readonly List<(byte[]? Ids, float[]? Shares, byte[] Photo)> _pairs = [];

    /// <summary>Makes an empty set.</summary>
    /// <param name="channels">c, the layout's channels; ids are below it.</param>
    /// <param name="height">The height of every pair in pixels.</param>
    /// <param name="width">The width of every pair in pixels.</param>
    public TrainingPairs(int channels, int height, int width) => (Channels, Height, Width) = (channels, height, width);

    /// <summary>c, the layout's channels.</summary>
    public int Channels { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>How many pairs there are.</summary>
    public int Count => _pairs.Count;

    /// <summary>Whether the layouts are soft.</summary>
    public bool IsSoft => _pairs is [{ Shares: not null }, ..];

    /// <summary>How many pairs with class ids take as much memory as these: <see cref="Count"/>, unless the layouts are soft.</summary>
    public int CountByMemory => (int)Math.Min(int.MaxValue, IsSoft ? Bytes(Count, soft: true) / Bytes(1, soft: false) + 1 : Count);

    /// <summary>Checks that a further pair has room in the memory that this process can have.</summary>
    /// <param name="soft">Whether its layout is soft.</param>
    /// <exception cref="InsufficientMemoryException">It has not.</exception>
    public void CheckRoomForNext(bool soft = false)
    {
        long bytes = Bytes(Count + 1L, soft);
        if (bytes > MemoryEstimate.Available)
            throw new InsufficientMemoryException(
                $"More than {Count} pairs at {Height}x{Width} do not fit: they take {MemoryEstimate.Show(bytes)} of memory, and {MemoryEstimate.Show(MemoryEstimate.Available)} are there. "
                + "Learn from fewer pairs, or at a smaller size.");
    }

    /// <summary>Adds a pair; the arrays are kept, not copied.</summary>
    /// <param name="ids">The class id of every pixel <c>[H, W]</c>, each in [0, channels).</param>
    /// <param name="photo">The photo <c>[3, H, W]</c>, planar RGB.</param>
    /// <exception cref="ArgumentException">An array has another length, or an id is out of range.</exception>
    public void Add(byte[] ids, byte[] photo)
    {
        if (ids.Length != Height * Width)
            throw new ArgumentException($"A label map has {Height} x {Width} ids, got {ids.Length}.", nameof(ids));
        int invalid = Channels > byte.MaxValue ? -1 : ids.AsSpan().IndexOfAnyInRange((byte)Channels, byte.MaxValue);
        if (invalid >= 0)
            throw new ArgumentException($"Id {ids[invalid]} at pixel ({invalid % Width}, {invalid / Width}) is not below {Channels}.", nameof(ids));
        Add((ids, null, photo));
    }

    /// <summary>Adds a pair with a soft layout; the arrays are kept, not copied.</summary>
    /// <param name="shares">Every channel's share of every pixel <c>[c, H, W]</c>, each pixel's summing to one.</param>
    /// <param name="photo">The photo <c>[3, H, W]</c>, planar RGB.</param>
    /// <exception cref="ArgumentException">An array has another length.</exception>
    /// <exception cref="InvalidOperationException">The pairs before have class ids.</exception>
    public void Add(float[] shares, byte[] photo)
    {
        if (shares.Length != (long)Channels * Height * Width)
            throw new ArgumentException($"A soft layout has {Channels} x {Height} x {Width} shares, got {shares.Length}.", nameof(shares));
        Add((null, shares, photo));
    }

    private long Bytes(long pairs, bool soft) => pairs * Height * Width * (soft ? sizeof(float) * Channels + 3 : BytesPerPixel);

    private void Add((byte[]? Ids, float[]? Shares, byte[] Photo) pair)
    {
        if (pair.Photo.Length != 3 * Height * Width)
            throw new ArgumentException($"A photo has 3 x {Height} x {Width} bytes, got {pair.Photo.Length}.", "photo");
        if (Count > 0 && IsSoft != pair.Shares is not null)
            throw new InvalidOperationException("Pairs have class ids or soft layouts, not some of them these and some those.");
        _pairs.Add(pair);
    }

    /// <summary>A hash of all pairs in their order, in hexadecimal digits.</summary>
    internal string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (ids, shares, photo) in _pairs)
        {
            hash.AppendData(ids is not null ? ids : MemoryMarshal.AsBytes<float>(shares));
            hash.AppendData(photo);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>Some pairs as tensors.</summary>
    /// <param name="indices">Which pairs.</param>
    /// <param name="mirrored">For each of them, whether it is mirrored left to right.</param>
    /// <param name="device">Where the tensors shall be.</param>
    /// <returns>The layouts <c>[N, c, H, W]</c> and the photos <c>[N, 3, H, W]</c>, 0 to 255, both float32.</returns>
    public (Tensor Layouts, Tensor Photos) Batch(ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored, Device device)
    {
        using var scope = NewDisposeScope();
        var labels = IsSoft
            ? torch.empty([indices.Length, Channels, Height, Width], ScalarType.Float32)
            : torch.empty([indices.Length, Height, Width], ScalarType.Byte);
        var photos = torch.empty([indices.Length, 3, Height, Width], ScalarType.Byte);
        for (int i = 0; i < indices.Length; i++)
        {
            var (ids, shares, photo) = _pairs[indices[i]];
            if (shares is not null)
                Fill(labels.select(0, i), shares, mirrored[i]);
            else
                Fill(labels.select(0, i), ids!, mirrored[i]);
            Fill(photos.select(0, i), photo, mirrored[i]);
        }
        var layouts = IsSoft ? labels.to(device) : SemanticLayout.OneHot(labels.to(device), Channels);
        return (layouts.MoveToOuterDisposeScope(), photos.to(device).to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private void Fill<T>(Tensor target, T[] rows, bool mirrored) where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(target.bytes);
        rows.CopyTo(values);
        if (!mirrored)
            return;
        for (int start = 0; start < rows.Length; start += Width)
            values.Slice(start, Width).Reverse();
    }
}

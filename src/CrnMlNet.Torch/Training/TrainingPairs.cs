using System.Security.Cryptography;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>The pairs (L, I) to learn from, at the working size: class ids and photos as bytes, in memory.</summary>
public sealed class TrainingPairs
{
    /// <summary>Bytes of memory that a pair takes for each of its pixels: the class id and three colours.</summary>
    public const int BytesPerPixel = 4;

    private readonly List<(byte[] Ids, byte[] Photo)> _pairs = [];

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

    /// <summary>Checks that a further pair has room in the memory that this process can have.</summary>
    /// <exception cref="InsufficientMemoryException">It has not.</exception>
    public void CheckRoomForNext()
    {
        long bytes = (Count + 1L) * Height * Width * BytesPerPixel;
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
        if (photo.Length != 3 * Height * Width)
            throw new ArgumentException($"A photo has 3 x {Height} x {Width} bytes, got {photo.Length}.", nameof(photo));
        int invalid = Channels > byte.MaxValue ? -1 : ids.AsSpan().IndexOfAnyInRange((byte)Channels, byte.MaxValue);
        if (invalid >= 0)
            throw new ArgumentException($"Id {ids[invalid]} at pixel ({invalid % Width}, {invalid / Width}) is not below {Channels}.", nameof(ids));
        _pairs.Add((ids, photo));
    }

    /// <summary>A hash of all pairs in their order, in hexadecimal digits.</summary>
    internal string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (ids, photo) in _pairs)
        {
            hash.AppendData(ids);
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
        var ids = torch.empty([indices.Length, Height, Width], ScalarType.Byte);
        var photos = torch.empty([indices.Length, 3, Height, Width], ScalarType.Byte);
        for (int i = 0; i < indices.Length; i++)
        {
            var pair = _pairs[indices[i]];
            Fill(ids.select(0, i), pair.Ids, mirrored[i]);
            Fill(photos.select(0, i), pair.Photo, mirrored[i]);
        }
        var layouts = SemanticLayout.OneHot(ids.to(device), Channels);
        return (layouts.MoveToOuterDisposeScope(), photos.to(device).to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private void Fill(Tensor target, byte[] rows, bool mirrored)
    {
        var bytes = target.bytes;
        rows.CopyTo(bytes);
        if (!mirrored)
            return;
        for (int start = 0; start < rows.Length; start += Width)
            bytes.Slice(start, Width).Reverse();
    }
}

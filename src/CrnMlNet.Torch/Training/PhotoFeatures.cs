using CrnMlNet.Torch.Networks;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// A perception network that remembers what it saw in the photos to learn from: in memory up to a bound, and beyond that in a file where
/// one is wanted. It looks at each photo alone, so that what it sees does not depend on what it remembers.
/// </summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="memory">Bytes of memory to fill; 0: nothing is remembered.</param>
/// <param name="folder">Where a file takes what has no room in memory; null: nowhere.</param>
/// <param name="views">How many photos there are, counting one and its mirror image as two.</param>
internal sealed class PhotoFeatures(IPerceptionNetwork perception, long memory, string? folder, int views) : IPerceptionNetwork
{
    // The place of each view in the tensors below.
    private readonly Dictionary<int, int> _inMemory = [];
    private readonly Dictionary<int, long> _inFile = [];
    private readonly bool _remembers = memory > 0;
    private readonly List<Tensor> _memory = [];
    private int _places = -1;
    private long _fileLength;
    private SafeFileHandle? _file;
    private Tensor? _photos;
    private int[] _views = [];
    private long[][] _shapes = [];

    public string Description => perception.Description;

    public IReadOnlyList<string> Taps => perception.Taps;

    /// <summary>Views of photos that are remembered: in memory, and in the file.</summary>
    internal (int InMemory, int InFile) Remembered => (_inMemory.Count, _inFile.Count);

    /// <summary>To be told before a step which photos it will see.</summary>
    /// <param name="photos">The tensor of photos that <see cref="Features"/> will get.</param>
    /// <param name="indices">The photos' numbers.</param>
    /// <param name="mirrored">For each whether it is mirrored.</param>
    public void Expect(Tensor photos, ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored)
    {
        _photos = photos;
        _views = new int[indices.Length];
        for (int i = 0; i < _views.Length; i++)
            _views[i] = 2 * indices[i] + (mirrored[i] ? 1 : 0);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images)
    {
        if (!_remembers || !ReferenceEquals(images, _photos))
            return perception.Features(images);
        Tensor[][] seen = [.. _views.Select((view, i) => Of(view, images, i))];
        return seen.Length == 1 ? seen[0] : [.. Enumerable.Range(0, Taps.Count).Select(tap => torch.cat([.. seen.Select(taps => taps[tap])]))];
    }

    /// <summary>Forgets all, and deletes the file. The perception network stays as it is.</summary>
    public void Dispose()
    {
        _memory.ForEach(taps => taps.Dispose());
        _file?.Dispose();
    }

    private Tensor[] Of(int view, Tensor photos, int place)
    {
        if (_inMemory.TryGetValue(view, out int remembered))
            return [.. FromMemory(remembered)];
        if (_inFile.TryGetValue(view, out long at))
            return FromFile(at);
        var taps = perception.Features(photos.narrow(0, place, 1)).ToArray();
        long bytes = taps.Sum(tap => tap.numel() * tap.element_size());
        if (_places < 0)
            TakeMemory(taps, bytes);
        if (_inMemory.Count < _places)
            ToMemory(view, taps);
        else if (folder is not null)
            ToFile(view, taps, bytes);
        return taps;
    }

    /// <summary>Takes the room for all that has room, at once: tensors of their own, made one by one between those of a step, leave holes all over the heap that are larger than they are.</summary>
    private void TakeMemory(Tensor[] taps, long bytes)
    {
        // Of images that are compared as they are there is nothing to remember.
        _places = bytes == 0 ? views : (int)Math.Min(views, memory / bytes);
        if (_places > 0)
            _memory.AddRange(taps.Select(tap => torch.empty([_places, .. tap.shape[1..]], tap.dtype, tap.device).DetachFromDisposeScope()));
    }

    private void ToMemory(int view, Tensor[] taps)
    {
        using var scope = NewDisposeScope();
        int place = _inMemory.Count;
        foreach (var (kept, tap) in FromMemory(place).Zip(taps))
            kept.copy_(tap);
        _inMemory[view] = place;
    }

    private IEnumerable<Tensor> FromMemory(int place) => _memory.Select(taps => taps.narrow(0, place, 1));

    private void ToFile(int view, Tensor[] taps, long bytes)
    {
        if (_file is null)
        {
            long needed = bytes * (views - _inMemory.Count), there = new DriveInfo(folder!).AvailableFreeSpace;
            if (needed > there)
                throw new IOException($"What is seen in photos takes {MemoryEstimate.Show(needed)}, and '{folder}' has room for {MemoryEstimate.Show(there)}. Name a folder with more room, or none.");
            _file = File.OpenHandle(Path.Combine(folder!, $"photo-features-{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
            _shapes = [.. taps.Select(tap => tap.shape)];
        }

        using var scope = NewDisposeScope();
        long at = _fileLength;
        foreach (var tap in taps)
        {
            var values = tap.contiguous().bytes;
            RandomAccess.Write(_file, values, at);
            at += values.Length;
        }

        (_inFile[view], _fileLength) = (_fileLength, at);
    }

    private Tensor[] FromFile(long at)
    {
        var taps = new Tensor[_shapes.Length];
        for (int i = 0; i < taps.Length; i++)
        {
            taps[i] = torch.empty(_shapes[i], ScalarType.Float32);
            for (var values = taps[i].bytes; values.Length > 0;)
            {
                int read = RandomAccess.Read(_file!, values, at);
                if (read == 0)
                    throw new EndOfStreamException($"The file of what is seen in photos in '{folder}' is shorter than it was.");
                values = values[read..];
                at += read;
            }
        }

        return taps;
    }
}

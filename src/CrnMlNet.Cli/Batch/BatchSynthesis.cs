using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Inference;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// Paints the label maps of a shard, any number of them: while the network paints some, side by side where it can, the next are read on other threads, and
/// the photos before are written. What waits between them is bounded, and so is the memory.
/// </summary>
/// <remarks>
/// A photo of the same model and label map is not painted again. A map that cannot be read is listed with the reason and passed over, or
/// ends the work if that is asked for. Whatever else goes wrong, such as a full disk, ends the work in any case: it would meet every map.
/// </remarks>
internal sealed class BatchSynthesis
{
    private const int MostHelpers = 8;

    // Milliseconds in which a map is read, usually: several are painted faster together than one by one.
    private const int MostWaiting = 10;

    private readonly SynthesizeFromLabelsTransformer _model;
    private readonly BatchJob _job;
    private readonly BatchManifest _manifest;
    // How many photos are painted at once: by so many painters side by side, or by one together.
    private readonly int _atOnce, _painters;
    private readonly int _pixels;
    private readonly int _photoLength;

    private readonly BlockingCollection<ReadMap> _read;
    private readonly BlockingCollection<PaintedMap> _painted;
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _broken = new();
    private readonly Lock _lock = new();
    private ExceptionDispatchInfo? _fault;
    private BatchOutcome _outcome = new(0, 0, 0, null);

    /// <param name="model">The network; stays the caller's.</param>
    /// <param name="job">What is to be done.</param>
    /// <param name="manifest">Where it is listed; stays the caller's.</param>
    public BatchSynthesis(SynthesizeFromLabelsTransformer model, BatchJob job, BatchManifest manifest)
    {
        (_model, _job, _manifest) = (model, job, manifest);
        _atOnce = ReadAhead.LargestBatch(model, model.ScoringBatchSize);
        _painters = model.PaintsSideBySide ? Math.Min(_atOnce, Workers.Count) : 1;
        _pixels = model.Architecture.Height * model.Architecture.Width;
        _photoLength = 3 * _pixels;
        _read = new BlockingCollection<ReadMap>(2 * _atOnce);
        _painted = new BlockingCollection<PaintedMap>(2 * _atOnce);
    }

    /// <summary>Is told where the work stands whenever a map is through, on any thread but one at a time.</summary>
    public Action<BatchOutcome> Progress { get; init; } = _ => { };

    /// <summary>Does the work.</summary>
    /// <param name="stop">Ends it once the photos that are being painted are written.</param>
    /// <exception cref="IOException">A photo or a list cannot be written.</exception>
    public BatchOutcome Run(CancellationToken stop)
    {
        using var freed = FreedMemory.Keep();
        using var stopping = stop.Register(_ending.Cancel);
        using var maps = _job.Maps.GetEnumerator();
        int helpers = Math.Clamp(Environment.ProcessorCount / 2, 1, MostHelpers);
        // Threads of their own: the network's work is divided among those of the pool.
        Thread[] readers = [.. Enumerable.Range(0, helpers).Select(_ => Start("reads label maps", () => Read(maps)))];
        Thread[] writers = [.. Enumerable.Range(0, helpers).Select(_ => Start("writes photos", Write))];
        var end = Start("waits for the readers", () =>
        {
            Array.ForEach(readers, reader => reader.Join());
            _read.CompleteAdding();
        });
        PaintingThreads.Share(_painters, _ => Guard(Paint));
        end.Join();
        _painted.CompleteAdding();
        Array.ForEach(writers, writer => writer.Join());
        _fault?.Throw();
        return _outcome;
    }

    private Thread Start(string name, Action work) => HelperThread.Start(name, () => Guard(work));

    /// <summary>Does work, and keeps the first exception for the end, to which everything then comes.</summary>
    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Nobody waits for it any more.
        }
        catch (Exception e)
        {
            lock (_lock)
                _fault ??= ExceptionDispatchInfo.Capture(e);
            _broken.Cancel();
            _ending.Cancel();
        }
    }

    private void Read(IEnumerator<LabelMapFile> maps)
    {
        while (!_ending.IsCancellationRequested && Next(maps) is { } map)
        {
            if (Read(map) is { } read)
                _read.Add(read, _ending.Token);
        }
    }

    private static LabelMapFile? Next(IEnumerator<LabelMapFile> maps)
    {
        lock (maps)
            return maps.MoveNext() ? maps.Current : null;
    }

    /// <returns>Null: the map is done, or cannot be painted.</returns>
    private ReadMap? Read(LabelMapFile map)
    {
        byte[] file, channels;
        string sha256;
        try
        {
            if ((_job.Source.FaultOf(map) ?? FaultOfName(map)) is { } fault)
                throw new InvalidDataException(fault);
            file = ImageFile.ReadBytes(map.Path);
            sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
            channels = IsDone(map, sha256) ? [] : _model.ReadLabels(LabelMap.Read(file, map.Path));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Also an exception that is a fault in crn: millions of other maps are not to wait for its repair.
            Fail(map, Failure.Describe(Failure.Cause(e)));
            return null;
        }

        if (channels.Length > 0)
            return new ReadMap(map, sha256, channels);
        ListDone(map, sha256);
        Count(outcome => outcome with { Done = outcome.Done + 1 });
        return null;
    }

    /// <summary>Whether the photos are those that would be painted.</summary>
    private bool IsDone(LabelMapFile map, string sha256)
        => !_job.Fresh && Images().All(image => Origin(sha256, image).IsOf(PathOf(PhotoOf(map, image))));

    /// <summary>Photos that are there and not in the manifest: the process that painted them was killed before it listed them, or was another shard's.</summary>
    private void ListDone(LabelMapFile map, string sha256)
    {
        foreach (int image in Images())
        {
            string photo = PhotoOf(map, image);
            var origin = Origin(sha256, image);
            if (_manifest.Knows(photo, origin))
                continue;
            using var file = File.OpenRead(PathOf(photo));
            _manifest.Add(new ManifestLine(photo, map.Path, origin, Convert.ToHexStringLower(SHA256.HashData(file)), file.Length, File.GetLastWriteTimeUtc(PathOf(photo)), Seconds: null));
        }
    }

    /// <summary>With several photos of a layout, <c>a.1</c> is the second one of <c>a</c>.</summary>
    private string? FaultOfName(LabelMapFile map)
    {
        int photos = _job.Image is null ? _model.OutputColumnNames.Count : 1;
        int point = map.Name.LastIndexOf('.');
        return point >= 0 && int.TryParse(map.Name.AsSpan(point + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int image) && image > 0 && image < photos
            ? $"The photo of '{map.Path}' would be taken for one of '{map.Name[..point]}', of which there are {photos}. Give it another name, or choose one photo of a layout with --image."
            : null;
    }

    private void Paint()
    {
        int together = _painters > 1 ? 1 : _atOnce;
        var batch = new List<ReadMap>(together);
        byte[] layouts = new byte[together * _pixels], photos = new byte[together * _model.OutputColumnNames.Count * _photoLength];
        foreach (var first in _read.GetConsumingEnumerable(_ending.Token))
        {
            batch.Add(first);
            while (batch.Count < together && _read.TryTake(out var next, MostWaiting, _ending.Token))
                batch.Add(next);
            Paint(batch, layouts, photos);
            batch.Clear();
        }
    }

    private void Paint(List<ReadMap> batch, byte[] layouts, byte[] photos)
    {
        int ofMap = _model.OutputColumnNames.Count * _photoLength;
        for (int i = 0; i < batch.Count; i++)
            batch[i].Channels.CopyTo(layouts, i * _pixels);
        long begun = Stopwatch.GetTimestamp();
        _model.Paint(layouts.AsSpan(0, batch.Count * _pixels), photos.AsSpan(0, batch.Count * ofMap));
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds / batch.Count / _painters;
        byte[][][] files = new byte[batch.Count][][];
        // By the threads that paint, while they do not: on one beside them this would hold up a network whose threads wait for each other.
        Workers.Share(batch.Count, (i, _) => files[i] = [.. Images().Select(image => Encode(photos.AsSpan(i * ofMap + image * _photoLength, _photoLength), batch[i], image))]);
        for (int i = 0; i < batch.Count; i++)
            _painted.Add(new PaintedMap(batch[i].Map, batch[i].Sha256, files[i], seconds), _broken.Token);
    }

    private byte[] Encode(ReadOnlySpan<byte> photo, ReadMap map, int image)
        => Origin(map.Sha256, image).AddTo(PhotoPng.Encode(photo, _model.Architecture.Height, _model.Architecture.Width));

    private void Write()
    {
        foreach (var painted in _painted.GetConsumingEnumerable(_broken.Token))
        {
            try
            {
                foreach (var (image, file) in Images().Zip(painted.Files))
                    Write(painted, image, file);
                Count(outcome => outcome with { Painted = outcome.Painted + 1 });
            }
            catch (PathTooLongException e)
            {
                Fail(painted.Map, e.Message);
            }
        }
    }

    private void Write(PaintedMap painted, int image, byte[] png)
    {
        string photo = PhotoOf(painted.Map, image), path = PathOf(photo);
        var origin = Origin(painted.Sha256, image);
        try
        {
            if (photo.Contains('/', StringComparison.Ordinal))
                Directory.CreateDirectory(AtomicFile.FolderOf(path));
            AtomicFile.Write(path, stream => stream.Write(png), durable: false, buffer: 0);
        }
        catch (Exception e) when (e is IOException and not PathTooLongException or UnauthorizedAccessException)
        {
            throw new IOException($"Photo '{path}' cannot be written: {e.Message}", e);
        }

        _manifest.Add(new ManifestLine(photo, painted.Map.Path, origin, Convert.ToHexStringLower(SHA256.HashData(png)), png.Length, DateTime.UtcNow, painted.Seconds));
    }

    private void Fail(LabelMapFile map, string reason)
    {
        _manifest.Add(new FailureLine(map.Path, PhotoOf(map, Images().First()), DateTime.UtcNow, reason));
        Count(outcome => outcome with { Failed = outcome.Failed + 1, FirstFailure = outcome.FirstFailure ?? reason });
        if (_job.StopOnFailure)
            _ending.Cancel();
    }

    private void Count(Func<BatchOutcome, BatchOutcome> change)
    {
        lock (_lock)
        {
            _outcome = change(_outcome);
            Progress(_outcome);
        }
    }

    /// <summary>Which of a layout's photos are written.</summary>
    private IEnumerable<int> Images() => _job.Image is { } chosen ? [chosen] : Enumerable.Range(0, _model.OutputColumnNames.Count);

    private string PhotoOf(LabelMapFile map, int image) => PhotoNames.File(map.Name, _job.Image is null ? image : 0);

    private string PathOf(string photo) => Path.Combine(_job.Output, photo);

    private PhotoOrigin Origin(string sha256, int image) => new(_job.ModelSha256, sha256, image, _model.SampleSeed);

    /// <summary>A map at the working size: of each pixel the palette's channel.</summary>
    private sealed record ReadMap(LabelMapFile Map, string Sha256, byte[] Channels);

    /// <summary>A map's photos as files, those that are written.</summary>
    private sealed record PaintedMap(LabelMapFile Map, string Sha256, byte[][] Files, double Seconds);
}

using System.Globalization;
using CrnMlNet.Cli.Batch;
using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Tests.Shared;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;

namespace CrnMlNet.Benchmarks;

/// <summary>
/// What <c>crn synthesize</c> adds to the network's own time over a folder of label maps: reading, hashing, encoding and writing, a manifest. The
/// raw loop paints as many layouts at once, which lie in memory, and throws the photos away.
/// </summary>
internal sealed class BatchScoring : IDisposable
{
    private const double LeastThroughput = 0.97;
    private const int Piece = 40;
    private const int WarmUp = 100;
    private const long MostGrowth = 12 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("crn-benchmark").FullName;
    private readonly SynthesizeFromLabelsTransformer _model;
    private readonly int _maps;
    private readonly byte[][] _layouts;

    /// <param name="maps">How many label maps.</param>
    /// <param name="size">The network: <c>HEIGHTxWIDTH:FACTOR</c>.</param>
    public BatchScoring(int maps, string size)
    {
        _maps = maps;
        string[] parts = size.Split('x', ':');
        var (height, width) = (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
        var palette = LabelPalette.CamVid;
        var architecture = new CrnArchitecture { Channels = palette.ChannelCount, Height = height, Width = width, WidthFactor = double.Parse(parts[2], CultureInfo.InvariantCulture), NoiseChannels = 2 };
        // How it was trained only matters to who saves it.
        var model = new SynthesisModel("Labels", "Synthesized", new LabelDecoder(palette, LabelEncoding.Index, UnknownLabelPolicy.Error), architecture, Training: null!);
        _model = new SynthesizeFromLabelsTransformer(new MLContext(seed: 1), model, new CascadedRefinementNetwork(architecture));
        _layouts = [.. Enumerable.Range(0, maps).Select(number => Blocks(number, height, width))];
        for (int i = 0; i < maps; i++)
        {
            Directory.CreateDirectory(MapsOf(i / Piece));
            PngWriter.Write(Path.Combine(MapsOf(i / Piece), $"{i % Piece:D2}.png"), width, height, PngWriter.Gray, _layouts[i]);
        }
    }

    /// <summary>
    /// Times both in turn, piece by piece, and compares each piece with its twin, as machines change their pace from one second to the next; then paints all maps at once and
    /// watches the memory.
    /// </summary>
    /// <returns>Whether the median of the pieces' ratios, and the memory, keep the limits.</returns>
    public bool Report()
    {
        Loop(0, Math.Min(Piece, _maps));
        int pieces = (_maps + Piece - 1) / Piece;
        var (raw, batch) = (new double[pieces], new double[pieces]);
        for (int i = 0; i < pieces; i++)
        {
            int first = i * Piece, count = Math.Min(Piece, _maps - first);
            void TimeBatch() => batch[i] = Timing.Seconds(() => Batch(MapsOf(i), $"photos{i}", count, _ => { }));
            // Who is first changes, too.
            if (i % 2 == 1)
                TimeBatch();
            raw[i] = Timing.Seconds(() => Loop(first, count));
            if (i % 2 == 0)
                TimeBatch();
        }

        double[] ratios = [.. raw.Zip(batch, (loop, job) => loop / job).Order()];
        double median = Timing.Median(ratios);
        Console.WriteLine(
            $"  raw loop {_maps / raw.Sum():0.0} images/s, crn synthesize {_maps / batch.Sum():0.0}: in {pieces} pairs of {Piece} maps the median is {100 * median:0.0}% of the raw loop's throughput, "
            + $"half are between {100 * ratios[pieces / 4]:0.0} and {100 * ratios[3 * pieces / 4]:0.0}%");

        long begin = 0;
        Batch(Path.Combine(Maps, "**"), "photos", _maps, painted => begin = painted == Math.Min(WarmUp, _maps) ? Memory() : begin);
        long growth = Memory() - begin;
        Console.WriteLine($"  memory {begin >> 20} MiB after {WarmUp} maps of one run, {growth / 1024.0 / 1024:0.0} MiB more after {_maps}");
        return median >= LeastThroughput && growth <= MostGrowth;
    }

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Maps => Path.Combine(_folder, "maps");

    private string MapsOf(int piece) => Path.Combine(Maps, $"{piece:D4}");

    private void Loop(int first, int count)
    {
        int atOnce = ReadAhead.LargestBatch(_model, _model.ScoringBatchSize), pixels = _layouts[0].Length;
        byte[] layouts = new byte[atOnce * pixels], photos = new byte[3 * layouts.Length];
        for (int done = 0; done < count; done += atOnce)
        {
            int now = Math.Min(atOnce, count - done);
            for (int i = 0; i < now; i++)
                _layouts[first + done + i].CopyTo(layouts, i * pixels);
            _model.Paint(layouts.AsSpan(0, now * pixels), photos.AsSpan(0, 3 * now * pixels));
        }
    }

    private void Batch(string maps, string photos, int count, Action<long> progress)
    {
        string output = Path.Combine(_folder, photos);
        Directory.CreateDirectory(output);
        using var manifest = BatchManifest.Open(output, Shard.Whole);
        var outcome = new BatchSynthesis(_model, new BatchJob(LabelMapSource.Of(maps, output), Shard.Whole, output, "none"), manifest)
        {
            Progress = outcome => progress(outcome.Painted),
        }.Run(CancellationToken.None);
        if (outcome.Painted != count)
            throw new InvalidOperationException($"{outcome.Painted} of {count} maps were painted: {outcome.FirstFailure}");
    }

    /// <summary>What the process holds and is not a file's, managed and native, when what nobody holds has gone; Linux alone tells.</summary>
    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Rectangles of CamVid's classes.</summary>
    private static byte[] Blocks(int number, int height, int width)
    {
        const int side = 16;
        var random = new Random(number);
        int across = width / side + 1;
        var blocks = new byte[across * (height / side + 1)];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = (byte)random.Next(11);
        return [.. Enumerable.Range(0, height * width).Select(i => blocks[i / width / side * across + i % width / side])];
    }
}

using System.Diagnostics;
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
    private const int Piece = 50;
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
        Directory.CreateDirectory(Maps);
        for (int i = 0; i < maps; i++)
            PngWriter.Write(Path.Combine(Maps, $"{i / Piece:D4}-{i % Piece:D2}.png"), width, height, PngWriter.Gray, _layouts[i]);
    }

    /// <summary>Times both in turn, piece by piece, so that whatever else the machine does meets both; then paints all maps at once and watches the memory.</summary>
    /// <returns>Whether the throughput over all pieces, and the memory, keep the limits.</returns>
    public bool Report()
    {
        Loop(0, Math.Min(Piece, _maps));
        var (raw, batch) = (new Spent(), new Spent());
        for (int first = 0; first < _maps; first += Piece)
        {
            int start = first, count = Math.Min(Piece, _maps - first), number = first / Piece;
            // Who is first changes, too.
            for (int turn = 0; turn < 2; turn++)
            {
                if ((number + turn) % 2 == 0)
                    raw.Add(() => Loop(start, count));
                else
                    batch.Add(() => Batch(MapsOf(number), $"photos{number}", count, _ => { }));
            }

            int done = first + count;
            Console.WriteLine(
                $"  {done,5} maps: raw loop {done / raw.Seconds,7:0.0} images/s, crn synthesize {done / batch.Seconds,7:0.0}: {100 * raw.Seconds / batch.Seconds:0.0}%; "
                + $"processor {1000 * raw.Processor / done:0.00} and {1000 * batch.Processor / done:0.00} ms a map");
        }

        long begin = 0;
        Batch(Maps, "photos", _maps, painted => begin = painted == Piece ? Memory() : begin);
        long growth = Memory() - begin;
        Console.WriteLine($"  memory {begin >> 20} MiB after {Piece} maps of one run, {growth / 1024.0 / 1024:0.0} MiB more after {_maps}");
        return raw.Seconds / batch.Seconds >= LeastThroughput && growth <= MostGrowth;
    }

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Maps => Path.Combine(_folder, "maps");

    private string MapsOf(int piece) => Path.Combine(Maps, $"{piece:D4}-*.png");

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

    /// <summary>Time that went by, and that the processor's cores worked.</summary>
    private sealed class Spent
    {
        public double Seconds { get; private set; }

        public double Processor { get; private set; }

        public void Add(Action work)
        {
            var (clock, before) = (Stopwatch.StartNew(), Used());
            work();
            Seconds += clock.Elapsed.TotalSeconds;
            Processor += (Used() - before).TotalSeconds;
        }

        private static TimeSpan Used()
        {
            using var process = Process.GetCurrentProcess();
            return process.TotalProcessorTime;
        }
    }
}

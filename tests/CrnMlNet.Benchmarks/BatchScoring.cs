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
        Directory.CreateDirectory(Path.Combine(_folder, "maps"));
        _layouts = [.. Enumerable.Range(0, maps).Select(number => Blocks(number, height, width))];
        for (int i = 0; i < maps; i++)
            PngWriter.Write(Path.Combine(_folder, "maps", $"{i:D6}.png"), width, height, PngWriter.Gray, _layouts[i]);
    }

    /// <summary>Times both in turn and prints each round.</summary>
    /// <returns>Whether the median of the ratios, and the memory, keep the limits.</returns>
    public bool Report(int rounds)
    {
        Loop(Math.Min(WarmUp, _maps));
        var ratios = new double[rounds];
        long growth = 0;
        for (int round = 0; round < rounds; round++)
        {
            var used = Processor();
            double raw = Loop(_maps), rawProcessor = (Processor() - used).TotalSeconds;
            used = Processor();
            var (batch, begin, end) = Batch($"photos{round}");
            double batchProcessor = (Processor() - used).TotalSeconds;
            ratios[round] = raw / batch;
            growth = end - begin;
            Console.WriteLine(
                $"  raw loop {_maps / raw,7:0.0} images/s, crn synthesize {_maps / batch,7:0.0}: {100 * ratios[round]:0.0}%; "
                + $"processor {1000 * rawProcessor / _maps:0.00} and {1000 * batchProcessor / _maps:0.00} ms a map; "
                + $"memory {begin >> 20} MiB after {WarmUp} maps, {end >> 20} MiB after {_maps}");
            Directory.Delete(Path.Combine(_folder, $"photos{round}"), recursive: true);
        }

        double median = ratios.Order().ElementAt(rounds / 2);
        Console.WriteLine($"  median {100 * median:0.0}% of the raw loop's throughput; memory grew by {growth / 1024.0 / 1024:0.0} MiB in the last round");
        return median >= LeastThroughput && growth <= MostGrowth;
    }

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private double Loop(int count)
    {
        int atOnce = ReadAhead.LargestBatch(_model, _model.ScoringBatchSize), pixels = _layouts[0].Length;
        byte[] layouts = new byte[atOnce * pixels], photos = new byte[3 * layouts.Length];
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < count; done += atOnce)
        {
            int now = Math.Min(atOnce, count - done);
            for (int i = 0; i < now; i++)
                _layouts[done + i].CopyTo(layouts, i * pixels);
            _model.Paint(layouts.AsSpan(0, now * pixels), photos.AsSpan(0, 3 * now * pixels));
        }

        return clock.Elapsed.TotalSeconds;
    }

    private (double Seconds, long Begin, long End) Batch(string name)
    {
        string output = Path.Combine(_folder, name);
        Directory.CreateDirectory(output);
        long begin = 0;
        var clock = Stopwatch.StartNew();
        using (var manifest = BatchManifest.Open(output, Shard.Whole))
        {
            var outcome = new BatchSynthesis(_model, new BatchJob(LabelMapSource.Of(Path.Combine(_folder, "maps"), output), Shard.Whole, output, "none"), manifest)
            {
                Progress = outcome => begin = outcome.Painted == WarmUp ? Memory() : begin,
            }.Run(CancellationToken.None);
            if (outcome.Painted != _maps)
                throw new InvalidOperationException($"{outcome.Painted} of {_maps} maps were painted: {outcome.FirstFailure}");
        }

        return (clock.Elapsed.TotalSeconds, begin, Memory());
    }

    private static TimeSpan Processor()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
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

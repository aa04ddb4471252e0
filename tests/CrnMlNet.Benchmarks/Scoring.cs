using System.Diagnostics;
using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Benchmarks;

/// <summary>A network of random weights, rows to score, and a clock on the forward pass.</summary>
internal sealed class Scoring : IDisposable
{
    private readonly MLContext _mlContext = new(seed: 1);
    private readonly SynthesizeFromLabelsTransformer _transformer;
    private readonly List<Row> _rows;
    private readonly string _folder = Directory.CreateTempSubdirectory("crn-benchmark").FullName;
    private readonly ActivityListener _listener;
    private TimeSpan _forward;

    public Scoring(int height, int width, double widthFactor, int rows)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Synthesizer.ActivitySourceName,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => _forward += activity.Duration,
        };
        ActivitySource.AddActivityListener(_listener);
        var palette = LabelPalette.CamVid;
        var architecture = new CrnArchitecture { Channels = palette.ChannelCount, Height = height, Width = width, WidthFactor = widthFactor, NoiseChannels = 2 };
        var network = new CascadedRefinementNetwork(architecture);
        var decoder = new LabelDecoder(palette, LabelEncoding.Index, UnknownLabelPolicy.Error);
        // How it was trained only matters to who saves it.
        var model = new SynthesisModel("Labels", "Synthesized", decoder, architecture, Training: null!);
        _transformer = new SynthesizeFromLabelsTransformer(_mlContext, model, network);
        _rows = [.. Enumerable.Range(0, rows).Select(i => new Row { Labels = Stripes(i, height, width) })];
        for (var i = 0; i < rows; i++)
        {
            _rows[i].Path = $"{i}.png";
            _rows[i].Labels!.Save(Path.Combine(_folder, _rows[i].Path));
        }
    }

    /// <summary>Rows whose label images are in memory, so many at once.</summary>
    public (string What, Action Score) InMemory(int size)
    {
        _transformer.ScoringBatchSize = size;
        var photos = _transformer.Transform(_mlContext.Data.LoadFromEnumerable(_rows));
        return ($"{size} at once", () => ReadAll(photos));
    }

    /// <summary>Rows whose label images ML.NET's LoadImages reads from PNG files, so many at once.</summary>
    public (string What, Action Score) FromFiles(int size)
    {
        _transformer.ScoringBatchSize = size;
        var files = _mlContext.Data.LoadFromEnumerable(_rows.Select(row => new PathOnly { Path = row.Path }).ToList());
        var photos = _transformer.Transform(_mlContext.Transforms.LoadImages("Labels", _folder, "Path").Fit(files).Transform(files));
        return ($"{size} at once, from files", () => ReadAll(photos));
    }

    /// <summary>One row after the other by PredictionEngine.</summary>
    public (string What, Action Score) ByEngine()
    {
        var engine = _mlContext.Model.CreatePredictionEngine<Row, Photo>(_transformer, new PredictionEngineOptions { OwnsTransformer = false });
        return ("PredictionEngine", () =>
        {
            foreach (var row in _rows)
                engine.Predict(row).Synthesized!.Dispose();
        }
        );
    }

    /// <summary>
    /// Scores all rows in each way, in turn, so that what else the machine does meets all of them; prints medians and gives the
    /// greatest share of time that is not the forward pass.
    /// </summary>
    public double Report(int passes, params (string What, Action Score)[] ways)
    {
        var seconds = ways.Select(_ => new double[passes]).ToArray();
        var shares = ways.Select(_ => new double[passes]).ToArray();
        ways[0].Score();
        for (var pass = 0; pass < passes; pass++)
        {
            for (var way = 0; way < ways.Length; way++)
            {
                _forward = TimeSpan.Zero;
                var clock = Stopwatch.StartNew();
                ways[way].Score();
                var elapsed = clock.Elapsed;
                seconds[way][pass] = elapsed.TotalSeconds;
                shares[way][pass] = 1 - _forward / elapsed;
            }
        }

        for (var way = 0; way < ways.Length; way++)
        {
            Console.WriteLine(
                $"  {ways[way].What,-22} {1000 * Timing.Median(seconds[way]) / _rows.Count,9:0.00} ms a photo, {Timing.Median(seconds[way]) / Timing.Median(seconds[0]),5:0.00} of the first; "
                + $"overhead {100 * Timing.Median(shares[way]),5:0.00}% ({100 * shares[way].Min():0.00}% to {100 * shares[way].Max():0.00}%)");
        }

        return shares.Max(Timing.Median);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _transformer.Dispose();
        _rows.ForEach(row => row.Labels!.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    private static void ReadAll(IDataView photos)
    {
        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]);
        var getter = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        MLImage photo = null!;
        while (cursor.MoveNext())
        {
            getter(ref photo);
            photo.Dispose();
        }
    }

    /// <summary>An index image: a street's worth of edges.</summary>
    private static MLImage Stripes(int number, int height, int width)
    {
        var pixels = new byte[4 * height * width];
        for (var i = 0; i < height * width; i++)
        {
            pixels.AsSpan(4 * i, 3).Fill((byte)((i % width * 7 / width + i / width * 5 / height + number) % 11));
            pixels[4 * i + 3] = 255;
        }

        return MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, pixels);
    }

    private sealed class PathOnly
    {
        public string Path { get; set; } = "";
    }

    private sealed class Row
    {
        [ImageType(1, 1)]
        public MLImage? Labels { get; set; }

        public string Path { get; set; } = "";
    }

    private sealed class Photo
    {
        [ImageType(1, 1)]
        public MLImage? Synthesized { get; set; }
    }
}

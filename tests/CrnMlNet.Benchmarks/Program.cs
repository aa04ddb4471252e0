using System.Globalization;
using CrnMlNet.Benchmarks;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;

// What scoring costs beside the network's forward pass: reading labels, cursors, tensors in and out, images.
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks [small|large] [passes]
// What training takes of memory, with and without gradient checkpointing, where it is estimated at no more than so many GiB:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks memory GIB [HEIGHTxWIDTH:FACTOR ...]
// A training step against the same in plain TorchSharp; and their losses after 200 steps:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks training [steps [float32|bfloat16]]
// Photos a second by batch and threads, of a small network and of the paper's:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks painting [passes]
// Saving and loading a model of the paper's size, and its first photo:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks loading
// What reading a model of 1.2 GB takes of memory:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks reading
// What crn synthesize adds to the network's time over so many label maps, and whether its memory is flat:
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks batch [MAPS] [HEIGHTxWIDTH:FACTOR]
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [ReadingMemory.Measurement, var how, var path])
{
    ReadingMemory.Measure(how, path);
    return 0;
}

if (args is ["reading"])
    return ReadingMemory.Report() ? 0 : 1;

if (args is [TrainingMemory.Measurement, var size, var checkpointing])
{
    TrainingMemory.Measure(size, bool.Parse(checkpointing));
    return 0;
}

if (args is ["batch", .. var ofBatch])
{
    var (maps, network) = (ofBatch.ElementAtOrDefault(0) ?? "1000", ofBatch.ElementAtOrDefault(1) ?? "96x128:0.125");
    Console.WriteLine($"{maps} label maps, {network}; throughput is to be at least 97% of the raw loop's");
    using var batch = new BatchScoring(int.Parse(maps, CultureInfo.InvariantCulture), network);
    return batch.Report() ? 0 : 1;
}

if (args is ["memory", var limit, .. var sizes])
{
    TrainingMemory.Report(double.Parse(limit, CultureInfo.InvariantCulture), sizes.Length > 0 ? sizes : ["256x512:1", "512x1024:1", "1024x2048:1"]);
    return 0;
}

if (args is ["training", .. var stepsAndPrecision])
{
    var half = new CrnArchitecture { Channels = CrnMlNet.LabelPalette.Cityscapes.ChannelCount, Height = 128, Width = 256, WidthFactor = 0.5 };
    int steps = stepsAndPrecision is [var many, ..] ? int.Parse(many, CultureInfo.InvariantCulture) : 16;
    var precision = stepsAndPrecision is [_, var numbers] ? Enum.Parse<TrainingPrecision>(numbers, ignoreCase: true) : TrainingPrecision.Float32;
    var isFast = TrainingStep.Report(half, pairs: 4, steps, precision);
    return isFast & TrainingStep.Report(half with { Height = 64, Width = 128, WidthFactor = 0.25 }, pairs: 4, steps: 200, precision) ? 0 : 1;
}

if (args is ["loading"])
{
    Loading.Report();
    return 0;
}

if (args is ["painting", .. var times])
{
    var small = new CrnArchitecture { Channels = CrnMlNet.LabelPalette.Cityscapes.ChannelCount, Height = 96, Width = 128, WidthFactor = 0.125 };
    Painting.Report(small, times is [var many] ? int.Parse(many, CultureInfo.InvariantCulture) : 5);
    Painting.Report(small with { Height = 256, Width = 512, WidthFactor = 1 }, 1);
    return 0;
}

var which = args.FirstOrDefault() ?? "all";
int? passes = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : null;
if (which == "convolutions")
{
    Convolutions.Report(
        passes ?? 5, (532, 512, 64, 128), (532, 512, 128, 256), (1044, 1024, 16, 32), (1044, 1024, 8, 16), (1044, 1024, 4, 8), (148, 32, 256, 256), (32, 32, 256, 256), (64, 64, 64, 64), (32, 32, 32, 32), (16, 16, 64, 64));
    Convolutions.ReportGradients(
        passes ?? 5, (275, 256, 64, 128), (512, 512, 16, 32), (512, 512, 32, 64), (64, 64, 128, 256), (512, 512, 8, 16), (128, 128, 24, 32), (76, 64, 48, 64), (32, 32, 48, 64), (16, 16, 96, 128),
        (32, 32, 96, 128), (128, 128, 12, 16), (128, 128, 16, 32));
    return 0;
}

var kept = true;
if (which is "all" or "small")
{
    Console.WriteLine("96x128, width 1/8; overhead is to stay under 10%");
    using var small = new Scoring(height: 96, width: 128, widthFactor: 0.125, rows: 15);
    kept &= small.Report(passes ?? 7, small.InMemory(1), small.InMemory(2), small.InMemory(4), small.InMemory(8), small.FromFiles(4), small.ByEngine()) < 0.10;
}

if (which is "all" or "large")
{
    Console.WriteLine("256x512, full width; overhead is to stay under 3%");
    using var large = new Scoring(height: 256, width: 512, widthFactor: 1, rows: 1);
    kept &= large.Report(passes ?? 3, large.InMemory(1)) < 0.03;
}

Console.WriteLine(kept ? "The limits are kept." : "A LIMIT IS EXCEEDED.");
return kept ? 0 : 1;

using System.Globalization;
using CrnMlNet.Benchmarks;

// What scoring costs beside the network's forward pass: reading labels, cursors, tensors in and out, images.
// dotnet run -c Release --project tests/CrnMlNet.Benchmarks [small|large] [passes]
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var which = args.FirstOrDefault() ?? "all";
int? passes = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : null;
if (which == "convolutions")
{
    Convolutions.Report(
        passes ?? 5, (532, 512, 64, 128), (532, 512, 128, 256), (1044, 1024, 16, 32), (1044, 1024, 8, 16), (1044, 1024, 4, 8), (148, 32, 256, 256), (32, 32, 256, 256), (64, 64, 64, 64), (32, 32, 32, 32), (16, 16, 64, 64));
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

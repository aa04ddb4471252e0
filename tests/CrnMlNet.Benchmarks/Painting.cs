using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>Photos a second by how many are painted at once and by how many threads paint, without ML.NET.</summary>
internal static class Painting
{
    private static readonly int[] Batches = [1, 2, 4, 8];

    /// <summary>Prints a table: medians, and beside each its ratio to one photo at a time on one thread.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="passes">How often each is timed, in turn.</param>
    public static void Report(CrnArchitecture architecture, int passes)
    {
        TorchBackend.Start();
        using var network = new CascadedRefinementNetwork(architecture, seed: 1);
        using var synthesizer = new Synthesizer(network) { Precision = SynthesisPrecision.Float32 };
        int cores = Environment.ProcessorCount;
        int[] threads = [.. Enumerable.Range(0, 8).Select(power => 1 << power).Where(count => count < cores), cores];
        Console.WriteLine($"{architecture.Height}x{architecture.Width}, width {architecture.WidthFactor:0.####}: photos a second, medians of {passes}");
        Console.WriteLine("threads   " + string.Join("", Batches.Select(batch => $"{batch + " at once",20}")));
        var seconds = new Dictionary<(int Threads, int Batch), List<double>>();
        for (int pass = 0; pass <= passes; pass++)
        {
            foreach (int count in threads)
            {
                set_num_threads(count);
                foreach (int batch in Batches)
                {
                    double time = Time(synthesizer, architecture, batch);
                    // The first pass warms up.
                    if (pass > 0)
                        (seconds.TryGetValue((count, batch), out var times) ? times : seconds[(count, batch)] = []).Add(time);
                }
            }
        }

        double Rate(int count, int batch) => batch / seconds[(count, batch)].Order().ElementAt(passes / 2);
        foreach (int count in threads)
            Console.WriteLine($"{count,-10}" + string.Join("", Batches.Select(batch => $"{Rate(count, batch),12:0.000} ({Rate(count, batch) / Rate(1, 1):0.00}x)")));
    }

    private static double Time(Synthesizer synthesizer, CrnArchitecture architecture, int batch)
    {
        var ids = new byte[batch * architecture.Height * architecture.Width];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = (byte)(i % architecture.Width / 16 % architecture.Channels);
        var photos = new float[3L * ids.Length];
        var clock = Stopwatch.StartNew();
        synthesizer.Synthesize(ids, photos);
        return clock.Elapsed.TotalSeconds;
    }
}

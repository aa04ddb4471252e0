using System.Globalization;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>
/// The memory that a training step of the authors' network takes at its peak, with and without gradient checkpointing, beside what was
/// estimated: only if the estimate is below a limit.
/// </summary>
internal static class TrainingMemory
{
    /// <summary>What the process of one measurement is called with first.</summary>
    public const string Measurement = "memory-of";

    /// <summary>Prints a row for each size and way.</summary>
    /// <param name="limit">What an estimate must not exceed, in GiB.</param>
    /// <param name="sizes">Sizes with width factors, such as <c>256x512:0.5</c>.</param>
    public static void Report(double limit, IEnumerable<string> sizes)
    {
        Console.WriteLine("size        width  checkpointing   estimated    measured   a step takes");
        foreach (var size in sizes)
        {
            foreach (var checkpointing in new[] { false, true })
            {
                var architecture = Architecture(size);
                long estimate = MemoryEstimate.OfTraining(architecture, Options(checkpointing), pairs: 1, validates: false).Total;
                Console.Write(
                    $"{architecture.Height + "x" + architecture.Width,-11} {architecture.WidthFactor,5:0.####}  {(checkpointing ? "yes" : "no"),-13} {MemoryEstimate.Show(estimate),11} ");
                Console.WriteLine(estimate > limit * (1 << 30) ? "    not run" : Measured(size, checkpointing));
            }
        }
    }

    /// <summary>Trains for one step and prints the growth of the process' peak in bytes and the seconds.</summary>
    public static void Measure(string size, bool checkpointing)
    {
        TorchBackend.Start();
        var architecture = Architecture(size);
        var ids = new byte[architecture.Height * architecture.Width];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = (byte)(i % architecture.Width * architecture.Channels / architecture.Width);
        var pairs = new TrainingPairs(architecture.Channels, architecture.Height, architecture.Width);
        pairs.Add(ids, new byte[3 * ids.Length]);
        OwnProcess.Print(() =>
        {
            using var network = new CascadedRefinementNetwork(architecture);
            using var perception = new FilterBankPerception(CPU);
            // Every step but the first finds the gradients of the one before.
            foreach (var parameter in network.parameters())
                parameter.grad = zeros_like(parameter);
            Trainer.Train(network, perception, pairs, Options(checkpointing), _ => { }, _ => { }, CancellationToken.None);
        });
    }

    private static string Measured(string size, bool checkpointing) => OwnProcess.Run(Measurement, size, checkpointing.ToString()) is var (bytes, seconds)
        ? $"{MemoryEstimate.Show(bytes),11} {seconds,12:0} s"
        : "     failed";

    private static CrnArchitecture Architecture(string size)
    {
        var parts = size.Split('x', ':');
        return new CrnArchitecture
        {
            Channels = LabelPalette.Cityscapes.ChannelCount,
            Height = int.Parse(parts[0], CultureInfo.InvariantCulture),
            Width = int.Parse(parts[1], CultureInfo.InvariantCulture),
            WidthFactor = double.Parse(parts[2], CultureInfo.InvariantCulture),
        };
    }

    private static TrainingOptions Options(bool checkpointing) => new() { Epochs = 1, GradientCheckpointing = checkpointing };
}

using System.Diagnostics;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// Goes over a number of pairs epoch by epoch, in a new order each time, in batches, some of them mirrored; measures the
/// pace and tells of the progress. Order and mirroring follow from the seed alone.
/// </summary>
internal sealed class EpochLoop(int pairs, TrainingOptions options)
{
    /// <summary>One step: gets indices and whether each is mirrored, gives the loss.</summary>
    public delegate double Step(ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored);

    private readonly Random _random = new(options.Seed);

    /// <summary>The mean loss of every epoch begun.</summary>
    public List<double> LossByEpoch { get; } = [];

    /// <summary>Steps in all.</summary>
    public long Steps { get; } = (long)((pairs + options.BatchSize - 1) / options.BatchSize) * options.Epochs;

    /// <summary>Steps done.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Runs all epochs, or until cancelled; cancellation is not an error.</summary>
    /// <exception cref="ArithmeticException">The loss is no longer a number.</exception>
    public void Run(Step step, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        int[] order = [.. Enumerable.Range(0, pairs)];
        int batches = (pairs + options.BatchSize - 1) / options.BatchSize;
        var mirrored = new bool[options.BatchSize];
        var clock = Stopwatch.StartNew();
        long images = 0;
        for (int epoch = 1; epoch <= options.Epochs; epoch++)
        {
            _random.Shuffle(order);
            double sum = 0;
            for (int batch = 0; batch < batches; batch++)
            {
                if (cancellation.IsCancellationRequested)
                    return;
                var indices = order.AsSpan(batch * options.BatchSize, Math.Min(options.BatchSize, pairs - batch * options.BatchSize));
                for (int i = 0; i < indices.Length; i++)
                    mirrored[i] = options.Mirror && _random.Next(2) == 1;

                double loss = step(indices, mirrored.AsSpan(0, indices.Length));
                StepsDone++;
                if (!double.IsFinite(loss))
                    throw new ArithmeticException(
                        $"The loss became {loss} at step {StepsDone}. Lower the learning rate ({options.LearningRate}).");
                sum += loss;
                images += indices.Length;
                if (batch == 0)
                    LossByEpoch.Add(0);
                LossByEpoch[^1] = sum / (batch + 1);
                report(new TrainingProgress
                {
                    Step = StepsDone,
                    Steps = Steps,
                    Epoch = epoch,
                    Epochs = options.Epochs,
                    IsEpochEnd = batch == batches - 1,
                    Loss = LossByEpoch[^1],
                    ImagesPerSecond = images / Math.Max(clock.Elapsed.TotalSeconds, 1e-9),
                    Elapsed = clock.Elapsed,
                });
            }
        }
    }
}

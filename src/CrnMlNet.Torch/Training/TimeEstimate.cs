using System.Globalization;

namespace CrnMlNet.Torch.Training;

/// <summary>Tells once, from the pace of the first steps, how long a training will take. Within 30% of what it then takes.</summary>
/// <param name="tell">Gets the estimate, as a sentence.</param>
/// <param name="validationBatches">The batches that are looked at after every epoch without being learned from; 0 for none.</param>
public sealed class TimeEstimate(Action<string> tell, int validationBatches = 0)
{
    /// <summary>How long a batch takes that is not learned from, against one that is: the forward pass of the two.</summary>
    private const double ForwardShare = 1 / 3.0;

    private const int StepsBefore = 2;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(10);

    private TrainingProgress? _start;
    private int _seen;
    private int _validated;

    private double StepsOfValidation => ForwardShare * validationBatches;

    /// <summary>The estimate, or null as long as too little was seen.</summary>
    public TimeSpan? Total { get; private set; }

    /// <summary>Takes a step's progress.</summary>
    /// <param name="progress">What a training reports.</param>
    public void Report(TrainingProgress progress)
    {
        if (Total is not null)
            return;
        // The first steps take longer: memory is taken, and kernels are made.
        if (++_seen <= StepsBefore)
        {
            _start = progress;
            return;
        }

        long steps = progress.Step - _start!.Step;
        var time = progress.Elapsed - _start.Elapsed;
        _validated += progress.IsEpochEnd ? 1 : 0;
        if (time < Enough && steps < (progress.Steps - _start.Step) / 10)
            return;
        int epochsLeft = progress.Epochs - progress.Epoch + (progress.IsEpochEnd ? 0 : 1);
        double left = progress.Steps - progress.Step + epochsLeft * StepsOfValidation;
        Total = progress.Elapsed + progress.WithinBudget(time / (steps + _validated * StepsOfValidation) * left);
        tell($"Training will take about {Show(Total.Value)}.");
    }

    /// <summary>A time as people say it: <c>40 seconds</c>, <c>17 minutes</c>, <c>3.5 hours</c>.</summary>
    internal static string Show(TimeSpan time) => time switch
    {
        { TotalSeconds: < 1.5 } => "a second",
        { TotalSeconds: < 99.5 } => Plural(time.TotalSeconds, "0", "seconds"),
        { TotalMinutes: < 99.5 } => Plural(time.TotalMinutes, "0", "minutes"),
        { TotalHours: < 99.5 } => Plural(time.TotalHours, "0.0", "hours"),
        _ => Plural(time.TotalDays, "0.0", "days"),
    };

    private static string Plural(double value, string format, string unit) => $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
}

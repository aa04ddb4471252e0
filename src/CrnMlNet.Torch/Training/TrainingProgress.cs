namespace CrnMlNet.Torch.Training;

/// <summary>Where a training stands, after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>The stage, from 1, of a training in stages, to which steps, epochs and losses belong; otherwise 1.</summary>
    public int Stage { get; init; } = 1;

    /// <summary>Stages in all.</summary>
    public int Stages { get; init; } = 1;

    /// <summary>Steps done, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps in all.</summary>
    public required long Steps { get; init; }

    /// <summary>The current epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs in all.</summary>
    public required int Epochs { get; init; }

    /// <summary>Whether this step was its epoch's last.</summary>
    public required bool IsEpochEnd { get; init; }

    /// <summary>The mean loss of this epoch so far, in gray levels of the image term.</summary>
    public required double Loss { get; init; }

    /// <summary>The loss on the validation set, with a step that was its epoch's last; null otherwise, and without such a set.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Pairs learned from per second.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time spent, that before a continuation included.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Time that earlier stages took, a part of <see cref="Elapsed"/>.</summary>
    public TimeSpan SpentBefore { get; init; }

    /// <summary>The work of later stages, in steps of this one.</summary>
    public double StepsAhead { get; init; }

    /// <summary>What is left of the time budget; null: there is none.</summary>
    public TimeSpan? BudgetLeft { get; init; }

    /// <summary>Has the network be for a while what it would be if training ended now, until what this gives is disposed; null: it is that.</summary>
    internal Func<IDisposable>? ShowOutcome { get; init; }

    /// <summary>Time that is still to be spent at this pace, in later stages, too; no more than the budget allows.</summary>
    public TimeSpan Remaining => WithinBudget((Elapsed - SpentBefore) * ((Steps - Step + StepsAhead) / Step));

    /// <summary>The time, or what is left of the budget if that is less.</summary>
    internal TimeSpan WithinBudget(TimeSpan time) => BudgetLeft < time ? BudgetLeft.Value : time;
}

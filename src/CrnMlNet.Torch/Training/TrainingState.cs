namespace CrnMlNet.Torch.Training;

/// <summary>
/// Where a training stands between two steps: all but its tensors. The order of the pairs needs no place here, because it
/// follows from the seed and the epoch, and the epoch from the steps.
/// </summary>
internal sealed record TrainingState
{
    /// <summary>Steps done.</summary>
    public long Steps { get; init; }

    /// <summary>The sum of the losses of this epoch's steps; of the last one's between two epochs.</summary>
    public double LossSum { get; init; }

    /// <summary>The mean loss of every epoch begun.</summary>
    public IReadOnlyList<double> LossByEpoch { get; init; } = [];

    /// <summary>The loss on the validation set after every epoch done; empty without such a set.</summary>
    public IReadOnlyList<double> ValidationLossByEpoch { get; init; } = [];

    /// <summary>The time spent in all, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The epoch, from 1, with the least validation loss, the earlier one of equals; 0 where there is none.</summary>
    /// <param name="validationLossByEpoch">The loss after every epoch done.</param>
    /// <param name="rescaledAfter">
    /// The epoch after which the layers' weights are rescaled; null: never. Losses before and after do not compare, so
    /// from then on only the epochs after it count.
    /// </param>
    public static int BestEpoch(IReadOnlyList<double> validationLossByEpoch, int? rescaledAfter)
    {
        int best = rescaledAfter is { } first && validationLossByEpoch.Count > first ? first : 0;
        for (int i = best + 1; i < validationLossByEpoch.Count; i++)
        {
            if (validationLossByEpoch[i] < validationLossByEpoch[best])
                best = i;
        }
        return validationLossByEpoch.Count == 0 ? 0 : best + 1;
    }
}

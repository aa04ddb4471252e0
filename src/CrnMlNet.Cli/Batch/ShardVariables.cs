using System.Globalization;

namespace CrnMlNet.Cli.Batch;

/// <summary>Which shard a process is, by the variables that batch systems set.</summary>
internal static class ShardVariables
{
    /// <summary>How many shards there are, where the system tells a process its number but not how many there are.</summary>
    public const string Count = "CRN_SHARD_COUNT";

    /// <summary>Which shard this is, from 0, for systems that are not known here.</summary>
    public const string Index = "CRN_SHARD_INDEX";

    private const string SlurmIndex = "SLURM_ARRAY_TASK_ID";
    private const string KubernetesIndex = "JOB_COMPLETION_INDEX";
    private const string AzureTask = "AZ_BATCH_TASK_ID";

    /// <summary>Finds the shard.</summary>
    /// <param name="variable">Gives an environment variable's value, or null.</param>
    /// <returns>The shard and the variable that told it; null: this is no part of a larger job.</returns>
    /// <exception cref="ArgumentException">The variables do not tell it: one is missing, or has a value that makes no sense.</exception>
    public static (Shard Shard, string Variable)? Find(Func<string, string?> variable)
    {
        if (Value(Index) is not null)
            return Numbered(Index, Number(Index));
        if (Value(SlurmIndex) is not null)
            return (OfSlurm(), SlurmIndex);
        if (Value(KubernetesIndex) is not null)
            return Numbered(KubernetesIndex, Number(KubernetesIndex));
        // Each task of Azure Batch has an id, of a job or alone; only the count tells that tasks share the work.
        if (Value(AzureTask) is { } task && Value(Count) is not null)
            return Numbered(AzureTask, OfAzure(task));
        return null;

        (Shard, string) Numbered(string name, int index)
        {
            if (Value(Count) is null)
                throw new ArgumentException($"{name} is {index}, but nothing says of how many: set {Count} to the number of tasks of the job, or give --shard (0/1 for all label maps).");
            int count = Number(Count);
            if (index >= count)
                throw new ArgumentException($"{name} is {index}, but {Count} is {count}: indices are from 0 to one less than the count.");
            return (new Shard(index, count), name);
        }

        // Slurm's numbers begin where the user lets them, and may go in steps: --array=10-40:10.
        Shard OfSlurm()
        {
            int id = Number(SlurmIndex), count = Number("SLURM_ARRAY_TASK_COUNT"), first = Number("SLURM_ARRAY_TASK_MIN"), last = Number("SLURM_ARRAY_TASK_MAX");
            int step = Value("SLURM_ARRAY_TASK_STEP") is null ? 1 : Math.Max(1, Number("SLURM_ARRAY_TASK_STEP"));
            if (count < 1 || last < first || (last - first) / step + 1 != count || (id - first) % step != 0 || id < first || id > last)
                throw new ArgumentException(
                    $"{SlurmIndex} is {id} of an array of {count} from {first} to {last}, which has gaps, so that it does not tell which part this is. Submit a range, such as --array=0-{Math.Max(0, count - 1)} "
                    + "(what is done is not painted again, whatever the range), or give --shard.");
            return new Shard((id - first) / step, count);
        }

        // The id is a text of the user's: paint-7 is task 7.
        static int OfAzure(string task)
        {
            int digits = task.Length;
            while (digits > 0 && char.IsAsciiDigit(task[digits - 1]))
                digits--;
            return int.TryParse(task.AsSpan(digits), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                ? index
                : throw new ArgumentException($"{AzureTask} is '{task}', which does not end in the task's number, from 0, as in 'paint-7'. Call tasks so, set {Index}, or give --shard.");
        }

        int Number(string name) => Value(name) is { } text && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new ArgumentException($"{name} is '{Value(name)}', and not a number from 0. Give --shard (0/1 for all label maps).");

        string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
    }
}

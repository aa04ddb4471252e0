using System.CommandLine;
using System.CommandLine.Parsing;
using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--shard 3/20</c>: one of the parts that several processes paint.</summary>
internal static class ShardOption
{
    public static Option<Shard?> Create() => new("--shard")
    {
        Description = "Paint one of N parts, from 0/N. Not given, it comes from SLURM_ARRAY_TASK_ID; or from JOB_COMPLETION_INDEX (Kubernetes), AZ_BATCH_TASK_ID (Azure Batch, its last digits) or "
            + $"{ShardVariables.Index}, each with {ShardVariables.Count}=N. 0/1 is all.",
        HelpName = "I/N",
        CustomParser = Parse,
    };

    private static Shard? Parse(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (Shard.Parse(text) is { } shard)
            return shard;
        argument.AddError($"'{text}' is no shard: write I/N with I from 0 to N - 1, such as 0/4, 1/4, 2/4 and 3/4.");
        return null;
    }
}

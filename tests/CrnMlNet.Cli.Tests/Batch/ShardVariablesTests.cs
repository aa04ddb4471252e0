using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

public class ShardVariablesTests
{
    [Theory]
    // --array=0-3, 1-4, 10-40:10 and a single task.
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_STEP=1", 2, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4", 0, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=40 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=40 SLURM_ARRAY_TASK_STEP=10", 3, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=0", 0, 1)]
    [InlineData("JOB_COMPLETION_INDEX=0 CRN_SHARD_COUNT=8", 0, 8)]
    [InlineData("JOB_COMPLETION_INDEX=7 CRN_SHARD_COUNT=8", 7, 8)]
    [InlineData("AZ_BATCH_TASK_ID=paint-12 AZ_BATCH_JOB_ID=job-3 CRN_SHARD_COUNT=20", 12, 20)]
    [InlineData("AZ_BATCH_TASK_ID=0 CRN_SHARD_COUNT=20", 0, 20)]
    [InlineData("CRN_SHARD_INDEX=1 CRN_SHARD_COUNT=2 JOB_COMPLETION_INDEX=0", 1, 2)]
    public void A_task_finds_its_shard(string variables, int index, int count) => Assert.Equal(new Shard(index, count), Find(variables)?.Shard);

    [Theory]
    [InlineData("")]
    [InlineData("SLURM_JOB_ID=12 SLURM_PROCID=0 SLURM_NTASKS=4")] // a job that is no array
    [InlineData("AZ_BATCH_TASK_ID=paint-12")] // every task of Azure Batch has an id
    [InlineData("CRN_SHARD_COUNT=4")]
    [InlineData("JOB_COMPLETION_INDEX=")]
    public void Without_a_number_and_a_count_there_is_no_shard(string variables) => Assert.Null(Find(variables));

    [Theory]
    [InlineData("JOB_COMPLETION_INDEX=3", "CRN_SHARD_COUNT")]
    [InlineData("JOB_COMPLETION_INDEX=8 CRN_SHARD_COUNT=8", "from 0")]
    [InlineData("JOB_COMPLETION_INDEX=x CRN_SHARD_COUNT=8", "not a number")]
    [InlineData("AZ_BATCH_TASK_ID=paint CRN_SHARD_COUNT=8", "paint-7")]
    [InlineData("AZ_BATCH_TASK_ID=paint-99999999999 CRN_SHARD_COUNT=8", "paint-7")]
    [InlineData("CRN_SHARD_INDEX=0 CRN_SHARD_COUNT=0", "from 0")]
    [InlineData("SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_COUNT")]
    // --array=1,2,7: which of three parts 7 is, nothing tells.
    [InlineData("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1", "--array=0-2")]
    public void What_does_not_tell_the_shard_is_an_error_that_says_what_to_do(string variables, string part)
    {
        var error = Assert.Throws<ArgumentException>(() => Find(variables));
        Assert.Contains(part, error.Message);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(0, 3)]
    [InlineData(5, 7)]
    public void The_tasks_of_an_array_are_all_shards_once(int first, int step)
    {
        const int count = 9;
        int last = first + step * (count - 1);
        var shards = Enumerable.Range(0, count).Select(i => Find(
            $"SLURM_ARRAY_TASK_ID={first + i * step} SLURM_ARRAY_TASK_COUNT={count} SLURM_ARRAY_TASK_MIN={first} SLURM_ARRAY_TASK_MAX={last} SLURM_ARRAY_TASK_STEP={step}")!.Value.Shard);
        Assert.Equal(Enumerable.Range(0, count).Select(index => new Shard(index, count)), shards);
    }

    private static (Shard Shard, string Variable)? Find(string variables)
    {
        var values = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        return ShardVariables.Find(name => values.GetValueOrDefault(name));
    }
}

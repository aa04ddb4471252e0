using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

public class ShardTests
{
    /// <summary>From Python's hashlib: int.from_bytes(sha256(name.encode()).digest()[:8], 'big') % count.</summary>
    [Theory]
    [InlineData("000", 7, 4)]
    [InlineData("000", 1000, 50)]
    [InlineData("001", 20, 15)]
    [InlineData("street/a", 1000, 683)]
    [InlineData("frankfurt_000001", 3, 0)]
    [InlineData("ä", 1000, 132)]
    public void A_name_is_in_the_shard_that_its_hash_says(string name, int count, int index)
    {
        Assert.True(new Shard(index, count).Has(name));
        Assert.False(new Shard((index + 1) % count, count).Has(name));
    }

    [Fact]
    public void Each_map_is_in_one_shard_whatever_the_count_and_shards_are_about_as_large()
    {
        string[] names = [.. Enumerable.Range(0, 2000).Select(i => $"frankfurt_{i:D6}_gtFine_labelIds")];
        for (int count = 1; count <= 64; count++)
        {
            int[] sizes = [.. Enumerable.Range(0, count).Select(index => names.Count(new Shard(index, count).Has))];
            Assert.All(names, name => Assert.Equal(1, Enumerable.Range(0, count).Count(index => new Shard(index, count).Has(name))));
            // Five standard deviations of the binomial distribution.
            double mean = (double)names.Length / count, most = 5 * Math.Sqrt(mean * (1 - 1.0 / count));
            Assert.All(sizes, size => Assert.InRange(size, mean - most, mean + most));
        }
    }

    [Theory]
    [InlineData("0/1", 0, 1)]
    [InlineData("3/20", 3, 20)]
    public void Reads_shards_as_people_type_them(string text, int index, int count) => Assert.Equal(new Shard(index, count), Shard.Parse(text));

    [Theory]
    [InlineData("4/4")]
    [InlineData("0/0")]
    [InlineData("-1/4")]
    [InlineData("1")]
    [InlineData("1/4/2")]
    [InlineData("1 / 4")]
    [InlineData("0/99999999999")]
    public void Anything_else_is_no_shard(string text) => Assert.Null(Shard.Parse(text));
}

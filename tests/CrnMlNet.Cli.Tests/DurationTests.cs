namespace CrnMlNet.Cli.Tests;

public class DurationTests
{
    [Theory]
    [InlineData("45s", 45)]
    [InlineData("90m", 5400)]
    [InlineData("8h", 28800)]
    [InlineData("1.5h", 5400)]
    [InlineData("1h30m", 5400)]
    [InlineData("2d", 172800)]
    [InlineData("0s", 0)]
    public void Reads_times_as_people_type_them(string text, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), Duration.Parse(text));

    [Theory]
    [InlineData("8")]
    [InlineData("h")]
    [InlineData("-1h")]
    [InlineData("1,5h")]
    [InlineData("1h 30m")]
    [InlineData("8H")]
    [InlineData("999999999999d")]
    [InlineData("")]
    public void Anything_else_is_no_time(string text) => Assert.Null(Duration.Parse(text));
}

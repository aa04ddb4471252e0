namespace Guides.Tests;

/// <summary>A command block of a guide, and the heading that it stands under.</summary>
/// <param name="Heading">Without its number signs and backticks.</param>
/// <param name="Language">What stands behind the opening fence: <c>sh</c>, <c>sh fails</c>, <c>sh cuda</c>, ...</param>
/// <param name="Text">The lines between the fences.</param>
internal sealed record Block(string Heading, string Language, string Text);

/// <summary>One of the guides in <c>docs/</c>.</summary>
internal static class Guide
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "docs");

    public static IReadOnlyList<string> Names { get; } = [.. Directory.GetFiles(Folder, "*.md").Select(file => Path.GetFileName(file)!).Order()];

    public static IReadOnlyList<Block> Blocks(string name)
    {
        var blocks = new List<Block>();
        string heading = "", language = "";
        List<string>? lines = null;
        foreach (var line in File.ReadAllLines(Path.Combine(Folder, name)))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                if (lines is null)
                    (language, lines) = (line[3..].Trim(), []);
                else
                {
                    blocks.Add(new Block(heading, language, string.Join('\n', lines)));
                    lines = null;
                }
            }
            else if (lines is not null)
                lines.Add(line);
            else if (line.StartsWith('#'))
                heading = line.TrimStart('#').Replace("`", "", StringComparison.Ordinal).Trim();
        }

        Assert.True(lines is null, $"{name}: a fence is not closed.");
        return blocks;
    }
}

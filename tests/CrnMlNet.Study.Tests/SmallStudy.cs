namespace CrnMlNet.Study.Tests;

/// <summary>A folder with the images of three systems, 20 pixels wide and 10 high, of one colour each, and with studies made of them.</summary>
internal sealed class SmallStudy : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallStudy(int layouts = 12)
    {
        foreach (var (system, gray) in new[] { ("real", 230), ("crn", 150), ("gan", 40) })
        {
            Directory.CreateDirectory(ImagesOf(system));
            for (int i = 0; i < layouts; i++)
                PngWriter.Write(Path.Combine(ImagesOf(system), $"scene{i}.png"), 20, 10, PngWriter.Gray, Enumerable.Repeat((byte)(gray + i), 200).ToArray());
        }
    }

    /// <summary>The study's folder.</summary>
    public string Folder => _folder["study"];

    public string this[string name] => _folder[name];

    public string ImagesOf(string system) => _folder[$"{system}-images"];

    /// <summary>The study itself, once it was made.</summary>
    public PairwiseStudy Load() => PairwiseStudy.Load(Folder);

    public Outcome Create(params string[] more) => CrnProcess.Run(
    [
        "study", "create", "--output", Folder, .. new[] { "real", "crn", "gan" }.SelectMany(system => new[] { "--system", $"{system}={ImagesOf(system)}" }), .. more,
    ]);

    /// <summary>Makes one of crn and gan, with real photos beside gan's as sentinels.</summary>
    public SmallStudy CreateUsual(params string[] more)
    {
        Create(["--compare", "crn:gan", "--sentinel", "real:gan", .. more.Contains("--sentinels-per-job") ? more : ["--sentinels-per-job", "4", .. more]]).AssertSucceeded();
        return this;
    }

    public void Dispose() => _folder.Dispose();
}

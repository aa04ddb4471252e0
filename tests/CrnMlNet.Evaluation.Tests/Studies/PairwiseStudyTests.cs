using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class PairwiseStudyTests
{
    private static readonly StudyDesign Design = new() { Comparisons = [new("crn", "gan")], Times = [250, 500], Sentinels = [new("real", "gan")], PairsPerJob = 4, Jobs = 2, Seed = 3 };

    [Fact]
    public void What_is_saved_is_loaded()
    {
        using var folder = new TemporaryFolder();
        var study = Studies.LayOut(Design, 6, "real", "crn", "gan");
        study.Save(folder.Path);

        var loaded = PairwiseStudy.Load(folder.Path);

        Assert.Equal(study.Images, loaded.Images);
        Assert.Equal(study.Jobs.SelectMany(job => job), loaded.Jobs.SelectMany(job => job));
        Assert.Equal((study.Question, study.Seed, study.SentinelsRight), (loaded.Question, loaded.Seed, loaded.SentinelsRight));
        Assert.Equal(study.Systems, loaded.Systems);
        Assert.True(loaded.IsTimed && loaded.HasSentinels);
    }

    [Theory]
    [InlineData("\"seed\": 3", "\"seed\": \"three\"", "seed")]
    [InlineData("\"seed\": 3,", "", "seed")]
    [InlineData("\"seed\": 3", "\"sed\": 3", "sed")]
    [InlineData("\"sentinelsRight\": 0.8", "\"sentinelsRight\": 80", "sentinelsRight is 80")]
    [InlineData("\"id\": 1,", "\"id\": 0,", "two pairs have the id 0")]
    [InlineData("\"milliseconds\": 250", "\"milliseconds\": 0", "shown for 0 ms")]
    [InlineData(",\n        \"milliseconds\": 250", "", "some pairs have a time, and others have none")]
    [InlineData("\"system\": \"crn\"", "\"system\": \"cnr\"", "'cnr', which is not among the systems")]
    [InlineData("\"obvious\": \"", "\"obvious\": \"up", "obvious")]
    [InlineData("\"file\": \"", "\"file\": \"../", "is no file name")]
    [InlineData("\"left\": \"", "\"left\": \"a", "which is not among the images")]
    [InlineData("\"question\": ", "\"question\": null, \"seed\": ", "question")]
    public void A_file_that_contradicts_itself_is_refused_in_one_sentence(string part, string other, string said)
    {
        using var folder = new TemporaryFolder();
        Studies.LayOut(Design, 6, "real", "crn", "gan").Save(folder.Path);
        string path = folder[PairwiseStudy.FileName], text = File.ReadAllText(path);
        int place = text.IndexOf(part, StringComparison.Ordinal);
        Assert.True(place >= 0, text);
        File.WriteAllText(path, text[..place] + other + text[(place + part.Length)..]);

        var error = Assert.Throws<InvalidDataException>(() => PairwiseStudy.Load(folder.Path));

        Assert.Contains(path, error.Message);
        Assert.Contains(said, error.Message);
    }

    [Fact]
    public void A_truncated_file_and_a_folder_without_one_are_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("crn study create", Assert.Throws<FileNotFoundException>(() => PairwiseStudy.Load(folder.Path)).Message);

        Studies.LayOut(Design, 6, "real", "crn", "gan").Save(folder.Path);
        string path = folder[PairwiseStudy.FileName], text = File.ReadAllText(path);
        File.WriteAllText(path, text[..(text.Length / 2)]);
        Assert.Throws<InvalidDataException>(() => PairwiseStudy.Load(folder.Path));
    }
}

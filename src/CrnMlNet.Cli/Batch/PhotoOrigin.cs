using System.Globalization;
using CrnMlNet.Data;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// What a photo was painted from. It stands in the photo's own file, so that whether a label map is done needs no other file that
/// could say something else: a photo is there whole and says that it is of this model and this label map, or it is painted.
/// </summary>
/// <param name="ModelSha256">The model file's SHA-256, in hexadecimal.</param>
/// <param name="LabelMapSha256">The label map file's SHA-256, in hexadecimal.</param>
/// <param name="Image">Which of a layout's photos it is, from 0.</param>
/// <param name="SampleSeed">Which of all possible photos it is: the noise's seed.</param>
internal sealed record PhotoOrigin(string ModelSha256, string LabelMapSha256, int Image, int SampleSeed = 0)
{
    private const string Keyword = "crn";

    private string Text => $"model sha256:{ModelSha256} labels sha256:{LabelMapSha256} image:{Which}";

    /// <summary>Which of a layout's photos it is, and of which seed unless that is 0: <c>0</c>, <c>2</c>, <c>0@7</c>.</summary>
    public string Which => string.Create(CultureInfo.InvariantCulture, $"{Image}{(SampleSeed == 0 ? "" : $"@{SampleSeed}")}");

    /// <summary>Reads what <see cref="Which"/> writes.</summary>
    public static bool TryParseWhich(string which, out int image, out int sampleSeed)
    {
        var parts = which.Split('@', 2);
        sampleSeed = 0;
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out image)
            && (parts.Length == 1 || int.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out sampleSeed));
    }

    /// <summary>The photo's file with its origin in it.</summary>
    public byte[] AddTo(byte[] png) => PngText.Insert(png, Keyword, Text);

    /// <summary>Whether a file is a whole photo of this origin.</summary>
    public bool IsOf(string path) => PngText.Read(path, Keyword) == Text;
}

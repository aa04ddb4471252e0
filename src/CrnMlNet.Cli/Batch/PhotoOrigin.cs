using CrnMlNet.Data;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// What a photo was painted from. It stands in the photo's own file, so that whether a label map is done needs no other file that
/// could say something else: a photo is there whole and says that it is of this model and this label map, or it is painted.
/// </summary>
/// <param name="ModelSha256">The model file's SHA-256, in hexadecimal.</param>
/// <param name="LabelMapSha256">The label map file's SHA-256, in hexadecimal.</param>
/// <param name="Image">Which of a layout's photos it is, from 0.</param>
internal sealed record PhotoOrigin(string ModelSha256, string LabelMapSha256, int Image)
{
    private const string Keyword = "crn";

    private string Text => $"model sha256:{ModelSha256} labels sha256:{LabelMapSha256} image:{Image}";

    /// <summary>The photo's file with its origin in it.</summary>
    public byte[] AddTo(byte[] png) => PngText.Insert(png, Keyword, Text);

    /// <summary>Whether a file is a whole photo of this origin.</summary>
    public bool IsOf(string path) => PngText.Read(path, Keyword) == Text;
}

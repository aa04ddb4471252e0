using CrnMlNet.Data;
using Microsoft.ML.Data;

namespace CrnMlNet.Cli;

/// <summary>What synthesized photos are called: NAME for a label image NAME, and where there are several of a layout NAME.1, NAME.2 and so on beside it, as a model's columns are.</summary>
internal static class PhotoNames
{
    private const string Extension = ".png";

    /// <summary>The name, without extension, of one of a layout's photos.</summary>
    /// <param name="layout">The layout's name.</param>
    /// <param name="image">Which photo, from 0.</param>
    public static string Of(string layout, int image) => image == 0 ? layout : $"{layout}.{image}";

    /// <summary>The file of one of a layout's photos.</summary>
    public static string File(string layout, int image) => Of(layout, image) + Extension;

    /// <summary>Writes a layout's photos, and disposes them.</summary>
    /// <param name="photos">The photos.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="layout">The layout's name.</param>
    public static void Save(IReadOnlyList<MLImage> photos, string folder, string layout)
    {
        try
        {
            for (int i = 0; i < photos.Count; i++)
                ImageFile.Save(photos[i], Path.Combine(folder, File(layout, i)));
        }
        finally
        {
            foreach (var photo in photos)
                photo.Dispose();
        }
    }
}

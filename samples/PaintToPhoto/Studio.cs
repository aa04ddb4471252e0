using CrnMlNet;

namespace PaintToPhoto;

/// <summary>All that painting needs: the model, the smaller one for previews, and what to start from.</summary>
/// <param name="Photo">Paints photos.</param>
/// <param name="Preview">Paints previews; null: photos come as fast.</param>
/// <param name="Examples">Label maps to start from.</param>
internal sealed record Studio(Painter Photo, Painter? Preview, Examples Examples) : IDisposable
{
    /// <summary>Loads models.</summary>
    /// <exception cref="FormatException">A file is damaged, or the models have different classes.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static Studio Load(string modelPath, string? previewPath, string? examplesFolder)
    {
        var photo = Painter.Load(modelPath);
        var preview = previewPath is null ? null : Painter.Load(previewPath);
        if (preview is not null && !HaveSameClasses(photo.Palette, preview.Palette))
            throw new FormatException($"The preview's model '{previewPath}' has other classes than '{modelPath}'.");
        return new Studio(photo, preview, new Examples(examplesFolder, photo));
    }

    public void Dispose()
    {
        Photo.Dispose();
        Preview?.Dispose();
    }

    private static bool HaveSameClasses(LabelPalette one, LabelPalette other)
        => one.Classes.Select(label => (label.Name, label.Id)).SequenceEqual(other.Classes.Select(label => (label.Name, label.Id)));
}

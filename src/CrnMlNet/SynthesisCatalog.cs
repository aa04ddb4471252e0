using CrnMlNet;
using CrnMlNet.Persistence;

namespace Microsoft.ML;

/// <summary>Adds semantic image synthesis to <see cref="MLContext.Transforms"/>.</summary>
public static class SynthesisCatalog
{
    /// <summary>
    /// Learns to paint photographs from semantic label maps with a Cascaded Refinement Network (Chen &amp; Koltun, ICCV 2017).
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="outputColumnName">The column of synthesized photos, an image of <paramref name="height"/> x <paramref name="width"/>.</param>
    /// <param name="inputColumnName">The label column, of any kind that <see cref="SynthesizeFromLabelsEstimator"/> lists; null: <paramref name="outputColumnName"/>.</param>
    /// <param name="photoColumnName">The column of real photos. Needed to fit; a fitted model does without.</param>
    /// <param name="palette">The classes and how label images show them; null: <see cref="LabelPalette.CamVid"/>.</param>
    /// <param name="height">The synthesized photos' height in pixels, 16 to 8192.</param>
    /// <param name="width">The synthesized photos' width in pixels, 16 to 8192.</param>
    /// <param name="epochs">How often each pair is seen, at least 1.</param>
    /// <returns>The estimator. All else is set with the overload that takes <see cref="SynthesizeFromLabelsEstimator.Options"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="catalog"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range, or a column name is empty.</exception>
    /// <example>
    /// <code>
    /// var pipeline = mlContext.Transforms.LoadImages("Labels", folder, "LabelPath")
    ///     .Append(mlContext.Transforms.LoadImages("Photo", folder, "PhotoPath"))
    ///     .Append(mlContext.Transforms.SynthesizeFromLabels("Synthesized", "Labels", "Photo", LabelPalette.CamVid, height: 96, width: 128));
    /// </code>
    /// </example>
    public static SynthesizeFromLabelsEstimator SynthesizeFromLabels(
        this TransformsCatalog catalog, string outputColumnName, string? inputColumnName = null, string photoColumnName = "Photo",
        LabelPalette? palette = null, int height = 96, int width = 128, int epochs = 20)
        => SynthesizeFromLabels(catalog, new SynthesizeFromLabelsEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName ?? outputColumnName,
            PhotoColumnName = photoColumnName,
            Palette = palette ?? LabelPalette.CamVid,
            Height = height,
            Width = width,
            Epochs = epochs,
        });

    /// <summary>Learns to paint photographs from semantic label maps, with everything that can be set.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="options">The options; they are copied, and later changes to them have no effect.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="catalog"/> or <paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static SynthesizeFromLabelsEstimator SynthesizeFromLabels(
        this TransformsCatalog catalog, SynthesizeFromLabelsEstimator.Options options)
        => new(MLNetInternals.GetEnvironment(catalog), options);
}

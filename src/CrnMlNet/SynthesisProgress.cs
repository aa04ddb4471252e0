using CrnMlNet.Data;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Training;
using Microsoft.ML.Data;

namespace CrnMlNet;

/// <summary>Where the training of a <see cref="SynthesizeFromLabelsEstimator"/> stands. Told after every step.</summary>
public sealed class SynthesisProgress
{
    private readonly LabelDecoder _decoder;
    private readonly Synthesizer _synthesizer;
    private readonly PhotoPreprocessing _preprocessing;

    internal SynthesisProgress(TrainingProgress training, LabelDecoder decoder, Synthesizer synthesizer, PhotoPreprocessing preprocessing)
        => (Training, _decoder, _synthesizer, _preprocessing) = (training, decoder, synthesizer, preprocessing);

    /// <summary>Step, epoch, loss, pace and time left.</summary>
    public TrainingProgress Training { get; }

    /// <summary>The same, as told of otherwise.</summary>
    internal SynthesisProgress With(TrainingProgress training) => new(training, _decoder, _synthesizer, _preprocessing);

    /// <summary>What the network would paint if training ended now. To be called only while being told of this progress.</summary>
    /// <param name="labels">A label image of any size. It is not disposed.</param>
    /// <returns>The photo, the caller's to dispose; of a network that synthesizes several images for a layout, the first.</returns>
    /// <exception cref="InvalidOperationException">The label image has ids or colours that the palette lacks.</exception>
    public MLImage Preview(MLImage labels) => Preview(LabelMap.FromImage(labels));

    /// <summary>What the network would paint if training ended now; see the other overload.</summary>
    /// <param name="labels">A label map of any size.</param>
    public MLImage Preview(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        using var shown = Training.ShowOutcome?.Invoke();
        return LabelsToPhoto.Paint(_decoder, _synthesizer, labels, "preview")[0];
    }

    /// <summary>A label image as the network sees it: at the working size, in the palette's colours.</summary>
    /// <param name="labels">A label image of any size. It is not disposed.</param>
    /// <returns>The image, the caller's to dispose.</returns>
    /// <exception cref="InvalidOperationException">The label image has ids or colours that the palette lacks.</exception>
    public MLImage PreviewLabels(MLImage labels) => PreviewLabels(LabelMap.FromImage(labels));

    /// <summary>A label map as the network sees it; see the other overload.</summary>
    /// <param name="labels">A label map of any size.</param>
    public MLImage PreviewLabels(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var (height, width) = (_synthesizer.Height, _synthesizer.Width);
        var channels = new byte[height * width];
        _decoder.Decode(labels, channels, height, width, "preview");
        var rgb = new byte[3 * channels.Length];
        for (var i = 0; i < channels.Length; i++)
            (rgb[i], rgb[channels.Length + i], rgb[2 * channels.Length + i]) = _decoder.Palette.ColorOf(channels[i]);
        return PhotoPixels.ToImage(rgb.AsSpan(), height, width);
    }

    /// <summary>A photo as the network learns from it: at the working size, and in the tones that <see cref="PhotoPreprocessing"/> gives it.</summary>
    /// <param name="photo">A photo of any size. It is not disposed.</param>
    /// <returns>The image, the caller's to dispose.</returns>
    public MLImage PreviewPhoto(MLImage photo)
    {
        ArgumentNullException.ThrowIfNull(photo);
        var (height, width) = (_synthesizer.Height, _synthesizer.Width);
        return PhotoPixels.ToImage(PhotoPixels.FromPhoto(photo, height, width, _preprocessing), height, width);
    }
}

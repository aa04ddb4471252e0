using CrnMlNet.Data;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Training;
using Microsoft.ML.Data;

namespace CrnMlNet;

/// <summary>Where the training of a <see cref="SynthesizeFromLabelsEstimator"/> stands. Told after every step.</summary>
public sealed class SynthesisProgress
{
    private readonly LabelDecoder _decoder;

    internal SynthesisProgress(TrainingProgress training, LabelDecoder decoder) => (Training, _decoder) = (training, decoder);

    /// <summary>Stage, step, epoch, loss, pace and time left.</summary>
    public TrainingProgress Training { get; }

    /// <summary>
    /// What the network paints now. To be called only while being told of this progress, in the
    /// <see cref="TrainingStage.Refinement"/> stage.
    /// </summary>
    /// <param name="labels">A label image of any size. It is not disposed.</param>
    /// <returns>The photo, the caller's to dispose.</returns>
    /// <exception cref="InvalidOperationException">The network that paints is not being trained yet, or the label image has ids or
    /// colours that the palette lacks.</exception>
    public MLImage Preview(MLImage labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var network = Training.Network ?? throw new InvalidOperationException(
            $"There is nothing to preview in the {Training.Stage} stage.");
        return LabelsToPhoto.Paint(_decoder, new Synthesizer(network), labels, "preview");
    }
}

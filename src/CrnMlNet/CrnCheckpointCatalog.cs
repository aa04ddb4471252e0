using CrnMlNet;
using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace Microsoft.ML;

/// <summary>Adds the models of the paper's authors to <see cref="MLContext.Model"/>.</summary>
public static class CrnCheckpointCatalog
{
    /// <summary>
    /// Loads a network that the paper's authors trained, or that was trained with their code, from its TensorFlow V2 checkpoint
    /// (CQFIO/PhotographicImageSynthesis: <c>result_256p</c>, <c>result_512p</c>, <c>result_1024p</c>, <c>result_GTA</c>). Which of them
    /// it is follows from its variables; the CRC of each is verified.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="path">The checkpoint's prefix, such as <c>result_256p/model.ckpt</c>: its files are that with <c>.index</c> and <c>.data-00000-of-00001</c>.</param>
    /// <param name="palette">The classes in the order in which the network was trained on them; null: <see cref="LabelPalette.Cityscapes"/>,
    /// which is that of all four.</param>
    /// <param name="outputColumnName">The column of photos that the transformer adds.</param>
    /// <param name="inputColumnName">The label column that it reads, of any kind that <see cref="SynthesizeFromLabelsEstimator"/> lists.</param>
    /// <param name="unknownLabels">What becomes of colours and ids that the palette lacks: an error, or void as in the authors' code.</param>
    /// <param name="withMoments">Whether Adam's moments are kept, too, where the checkpoint has them: twice as much as the weights.</param>
    /// <param name="progress">Is told how many bytes are read, and of how many; exceptions end the loading. Null: nobody is told.</param>
    /// <returns>
    /// The transformer, to be disposed when it is no longer needed. It paints photos of the network's size alone. Saved with
    /// <c>mlContext.Model.Save</c>, it keeps Adam's moments, so that a training that starts from the file
    /// (<see cref="SynthesizeFromLabelsEstimator.Options.WarmStartModelPath"/>) goes on as the authors' session would; a model that is
    /// loaded from that file and saved again leaves them out.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="catalog"/> or <paramref name="path"/> is null.</exception>
    /// <exception cref="ArgumentException">The palette does not have the network's number of classes.</exception>
    /// <exception cref="FormatException">The checkpoint is damaged, or of another network; the message names file and variable.</exception>
    /// <exception cref="IOException">One of its files is not there or cannot be read.</exception>
    /// <exception cref="InsufficientMemoryException">The network is far above this machine's memory.</exception>
    /// <exception cref="TorchBackendException">libtorch does not start.</exception>
    public static SynthesizeFromLabelsTransformer LoadCrnCheckpoint(
        this ModelOperationsCatalog catalog, string path, LabelPalette? palette = null, string outputColumnName = "Synthesized", string inputColumnName = "Labels",
        UnknownLabelPolicy unknownLabels = UnknownLabelPolicy.Error, bool withMoments = true, Action<long, long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        var env = MLNetInternals.GetEnvironment(catalog);
        TorchBackend.Start();
        using var checkpoint = new AuthorsCheckpoint(path);
        var decoder = new LabelDecoder(PaletteFor(checkpoint, path, palette ?? LabelPalette.Cityscapes), LabelEncoding.Auto, unknownLabels);
        var device = SynthesizeFromLabelsTransformer.ChooseDevice(env);
        if (device.type == DeviceType.CPU)
            MemoryEstimate.CheckSynthesis(checkpoint.Architecture);

        long done = 0, all = sizeof(float) * (checkpoint.Architecture.ParameterCount() + (withMoments ? 2 * checkpoint.NumbersWithMoments : 0));
        void Report(long read) => progress?.Invoke(done += read, all);

        var network = new CascadedRefinementNetwork(checkpoint.Architecture);
        AdamState? adam = null;
        try
        {
            checkpoint.ReadInto(network, Report);
            if (withMoments)
                adam = checkpoint.ReadAdam(Report);
            network.to(device);
            string source = $"'{Path.GetFileName(path)}' of the authors' TensorFlow code{(adam is null ? "" : $", Adam's moments of {checkpoint.NumbersWithMoments:N0} numbers with it")}";
            var model = new SynthesisModel(inputColumnName, outputColumnName, decoder, checkpoint.Architecture, TrainingRecord.Of(source, "the authors' VGG-19"));
            return new SynthesizeFromLabelsTransformer(env, model, network, adam);
        }
        catch
        {
            network.Dispose();
            adam?.Dispose();
            throw;
        }
    }

    private static LabelPalette PaletteFor(AuthorsCheckpoint checkpoint, string path, LabelPalette palette)
        => palette.ChannelCount == checkpoint.Architecture.Channels ? palette : throw new ArgumentException(
            $"The network in '{path}' takes layouts of {checkpoint.Architecture.Channels} channels, and the palette '{palette.Name}' has {palette.ChannelCount}, void included. Name the palette that it was trained with.");
}

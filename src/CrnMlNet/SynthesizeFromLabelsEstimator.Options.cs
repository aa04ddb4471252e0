using CrnMlNet.Data;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Microsoft.ML.SearchSpace;

namespace CrnMlNet;

public sealed partial class SynthesizeFromLabelsEstimator
{
    /// <summary>
    /// Everything that can be set. Properties, so that they can be bound from configuration and tuned; an estimator copies them.
    /// </summary>
    /// <remarks>
    /// What is worth tuning carries the attributes of <c>Microsoft.ML.SearchSpace</c>, so that Microsoft.ML.AutoML's <c>SearchSpace&lt;Options&gt;</c>
    /// finds it; samples/AutoSynthesis does the same without it. What JSON cannot carry is passed over when options become JSON, as
    /// AutoML's parameters do.
    /// </remarks>
    public sealed class Options
    {
        private int? _imagesPerLayout;
        private double? _learningRate;
        private double? _learningRateDecay;
        private double? _averageDecay;
        private int? _noiseSamples;
        private Modulation? _modulation;

        /// <summary>The column of synthesized photos. Where there are several, it is the first one's name, and the others append <c>.1</c>, <c>.2</c>, ...</summary>
        public string OutputColumnName { get; set; } = "Synthesized";

        /// <summary>What the columns of synthesized photos hold: images or vectors.</summary>
        public OutputKind OutputKind { get; set; } = OutputKind.Image;

        /// <summary>
        /// Of a network that synthesizes k images for a layout, the one, from 0 to k - 1, that becomes the output column; null: each has a
        /// column of its own.
        /// </summary>
        public int? OutputImage { get; set; }

        /// <summary>The column of labels: images, paths of label files, or vectors; see <see cref="SynthesizeFromLabelsEstimator"/>.</summary>
        public string InputColumnName { get; set; } = "Labels";

        /// <summary>The folder in which relative paths in a text column of label files begin; null: the process's current one. It is saved with the model.</summary>
        public string? LabelFolder { get; set; }

        /// <summary>The column of real photos. Needed to fit; a fitted model does without.</summary>
        public string PhotoColumnName { get; set; } = "Photo";

        /// <summary>The classes and how label images show them. In configuration: a built-in palette's name, or a JSON file.</summary>
        public LabelPalette Palette { get; set; } = LabelPalette.CamVid;

        /// <summary>How label images show classes. <see cref="LabelEncoding.Auto"/> finds out from the training data.</summary>
        public LabelEncoding LabelEncoding { get; set; } = LabelEncoding.Auto;

        /// <summary>What becomes of ids and colours that the palette lacks: an error, or void.</summary>
        public UnknownLabelPolicy UnknownLabels { get; set; } = UnknownLabelPolicy.Error;

        /// <summary>
        /// The system that learns: which network, and what it minimizes. <see cref="Recipe.Crn"/> is the paper's; unless set, <see cref="Recipe.Default"/>. In configuration: the name
        /// of one of <see cref="Recipe.All"/>.
        /// </summary>
        public Recipe Recipe { get; set; } = Recipe.Default;

        /// <summary>The synthesized photos' height in pixels, 16 to 8192. Pairs are brought to this size before training.</summary>
        public int Height { get; set; } = 96;

        /// <summary>The synthesized photos' width in pixels, 16 to 8192.</summary>
        public int Width { get; set; } = 128;

        /// <summary>
        /// Factor on the number of feature maps, 1/64 to 4. 1 is the paper's network, for a GPU; time and memory grow with
        /// its square, and 1/8 trains on a CPU.
        /// </summary>
        [Choice(1.0 / 16, 1.0 / 8, 1.0 / 4)]
        public double WidthFactor { get; set; } = 0.125;

        /// <summary>
        /// Channels of fixed noise beside the layout of every module, 0 to 64. Noise gives texture something to grow from where
        /// a layout is flat; without it, and without VGG-19, walls and roads stay foggy. 0 is the paper's network.
        /// </summary>
        [Range(0, 8)]
        public int NoiseChannels { get; set; } = 2;

        /// <summary>
        /// Of a cascade: whether the layout scales and shifts what a module has normalised, class by class (CLADE) or by convolutions (SPADE). Unless set, the
        /// <see cref="Recipe"/>'s: <see cref="Modulation.Clade"/> with texture, and <see cref="Modulation.None"/>, the paper's network, without.
        /// </summary>
        public Modulation Modulation
        {
            get => _modulation ?? Recipe.Modulation;
            set => _modulation = value;
        }

        /// <summary>
        /// How the noise is drawn while training: 0, always the same; 1, anew for every pair in every step, so that any
        /// <see cref="SynthesizeFromLabelsTransformer.SampleSeed"/> gives a photo of its own; more, the nearest to the real photo of so many photos is the one that learns,
        /// so that photos may differ in what a layout leaves open (IMLE: Li &amp; Malik, 2018; Li, Zhang &amp; Malik, ICCV 2019). Each costs a forward pass more. Unless set, the
        /// <see cref="Recipe"/>'s, mostly 0.
        /// </summary>
        public int NoiseSamples
        {
            get => _noiseSamples ?? Recipe.NoiseSamples;
            set => _noiseSamples = value;
        }

        /// <summary>
        /// k, how many different photos are painted of each layout, 1 to 64 (the paper's authors take 9); unless set, as many as the
        /// <see cref="Recipe"/> says, mostly 1. Of several, each learns what it can do best: see <see cref="Diversity"/>.
        /// </summary>
        public int ImagesPerLayout
        {
            get => _imagesPerLayout ?? Recipe.ImagesPerLayout;
            set => _imagesPerLayout = value;
        }

        /// <summary>
        /// Which of several photos of a layout learn from a real one: for each class the nearest (the paper's Eq. 3), or the
        /// nearest as a whole (Eq. 2). Of no effect with one photo.
        /// </summary>
        public Diversity Diversity { get; set; }

        /// <summary>
        /// How the layers in which photos are compared are weighted (lambda in the paper's equations): calibrated before training;
        /// <c>paper:N</c>, even at first and rescaled after N epochs; the authors' published weights; or given by hand. In configuration: the text that
        /// <see cref="LayerWeighting.Parse"/> reads. The weights used are in the log and in the model's <see cref="TrainingRecord"/>.
        /// </summary>
        public LayerWeighting LayerWeights { get; set; } = LayerWeighting.Calibrated;

        /// <summary>How often each pair is seen, at least 1. The paper's authors train 200 epochs at 256x512.</summary>
        public int Epochs { get; set; } = 20;

        /// <summary>
        /// The sizes at which is trained one after the other, each with what the one before has learned; null: at one size, that of
        /// <see cref="Height"/>, <see cref="Width"/> and <see cref="Epochs"/>, which are otherwise those of the last stage, whatever they were set to.
        /// </summary>
        /// <remarks>
        /// <para>A stage's modules must begin with those of the stage before. So its size is the same again, or its double, fourfold and so on:
        /// 256x512, 512x1024, 1024x2048, but not 96x128 and then 256x512, as the one begins at 3x4 and the other at 4x8 pixels. New modules
        /// begin from chance, and so does the head when the finest module's number of feature maps changes. The data is read for every stage, at its size.</para>
        /// <para>Early stopping ends a stage, and the next one begins with its best weights; the time budget is for all stages. Where the time budget or
        /// cancellation ends the training in an earlier stage, the model is of that stage's size, and not that of the last one; the log says so.
        /// The <see cref="CheckpointFolder"/> has a folder for each stage, which stay until all are done.</para>
        /// </remarks>
        public IList<TrainingStage>? Stages { get; set; }

        /// <summary>
        /// How many of the modules learn beside the head, counted from the finest one, at least 1; null: all. For a training that starts
        /// warm. Not for one in stages, which have their own: <see cref="TrainingStage.TrainOnlyNewestModules"/>.
        /// </summary>
        public int? TrainOnlyNewestModules { get; set; }

        /// <summary>Pairs in a training step, at least 1. The paper's authors use 1.</summary>
        [Choice(1, 2, 4)]
        public int BatchSize { get; set; } = 1;

        /// <summary>
        /// Whether modules run once more in the backward pass instead of their feature maps being kept (gradient checkpointing):
        /// far less memory, a third more time, and the same model bit for bit on the CPU. Null: when training would not fit into the
        /// machine's memory otherwise, which the log then says; never on a GPU, whose memory is not known beforehand.
        /// </summary>
        public bool? GradientCheckpointing { get; set; }

        /// <summary>
        /// Adam's learning rate, above 0 and below 1; unless set, the <see cref="Recipe"/>'s: 2.5e-4 of the default, mostly 1e-3 of others. The paper's authors use 1e-4, for a
        /// network of full width.
        /// </summary>
        [Range(1e-4, 1e-2, logBase: true)]
        public double LearningRate
        {
            get => _learningRate ?? Recipe.LearningRate;
            set => _learningRate = value;
        }

        /// <summary>
        /// The last share of the training, 0 to 1, over which the learning rate falls to zero in a straight line, as Pix2pixHD's and SPADE's over the last half; 0, as the paper's: it is
        /// constant. Unless set, the <see cref="Recipe"/>'s. The end is that of the <see cref="Epochs"/> or of the <see cref="TimeBudget"/>, whichever is nearer; of a training in stages
        /// it falls in each.
        /// </summary>
        public double LearningRateDecay
        {
            get => _learningRateDecay ?? Recipe.LearningRateDecay;
            set => _learningRateDecay = value;
        }

        /// <summary>
        /// The decay of the exponential moving average of the weights that becomes the model instead of the last weights, below 1, such as 0.999, of
        /// which some 1,000 steps count; 0: no average. Unless set, the <see cref="Recipe"/>'s: 0.999 with texture, 0 without. Of the first steps less stays, so that where training
        /// began is soon forgotten.
        /// </summary>
        /// <remarks>
        /// Learning is not changed by it, and goes on from the last weights when it is continued from a checkpoint, which has both. The model file has the
        /// average alone, and a training that starts from it begins with that. The <see cref="ValidationSet"/> measures the average, and photos that
        /// <see cref="Progress"/> shows are the average's, too.
        /// </remarks>
        public double AverageDecay
        {
            get => _averageDecay ?? Recipe.AverageDecay;
            set => _averageDecay = value;
        }

        /// <summary>Whether pairs are mirrored left to right half of the time while training.</summary>
        [BooleanChoice(true)]
        public bool Mirror { get; set; } = true;

        /// <summary>
        /// How much the photos' brightness and saturation are changed by chance while training, 0 to 1: by factors that far from 1. 0, as in the paper: not at all. It is for
        /// few pairs and a discriminator, which then cannot know photos by their colours.
        /// </summary>
        public double ColourJitter { get; set; }

        /// <summary>In which network synthesized and real photos are compared: VGG-19 where it was imported, unless set.</summary>
        public PerceptionChoice Perception { get; set; } = PerceptionChoice.Auto;

        /// <summary>
        /// A file with VGG-19's weights to compare with instead of the imported ones, or null: any that <see cref="Torch.Weights.Vgg19File"/>
        /// reads. It is checked as <c>crn import vgg19</c> does.
        /// </summary>
        public string? PerceptionWeightsPath { get; set; }

        /// <summary>
        /// What the weights in <see cref="PerceptionWeightsPath"/> expect of images; null: what the file gives evidence of. In configuration:
        /// <c>torchvision</c>, <c>matconvnet</c> or <c>caffe</c>.
        /// </summary>
        public Vgg19Normalisation? PerceptionNormalisation { get; set; }

        /// <summary>How often each pair is seen by a perception network that teaches itself (<see cref="PerceptionChoice.SelfTaught"/>) before it judges; at least 1. The
        /// <see cref="TimeBudget"/> does not count it.</summary>
        public int PerceptionEpochs { get; set; } = 10;

        /// <summary>In which numbers the training computes its 3x3 convolutions: bfloat16 on a GPU, unless set, and float32 on the CPU.</summary>
        public TrainingPrecision TrainingPrecision { get; set; }

        /// <summary>
        /// Bytes of memory for what the perception network sees in photos, which is kept from one epoch to the next: 512 MiB unless set. With
        /// VGG-19 at 256x512 a photo and its mirror image take 128 MB. Of no effect on a GPU.
        /// </summary>
        public long PhotoFeatureMemory { get; set; } = 512L << 20;

        /// <summary>A folder for a temporary file with what <see cref="PhotoFeatureMemory"/> has no room for; null: it is worked out anew in each epoch.</summary>
        public string? PhotoFeatureFolder { get; set; }

        /// <summary>
        /// A file with a segmentation network for a <see cref="Recipe"/> whose objective asks for one, of the palette's classes in their order:
        /// one that <c>crn train-segmenter</c> wrote. Null: one is trained on the training pairs first, which the <see cref="TimeBudget"/> does not count.
        /// </summary>
        /// <remarks>Photos that were made to please a segmentation network are not to be measured by the same one.</remarks>
        public string? SegmenterPath { get; set; }

        /// <summary>How often each pair is seen by the segmentation network that is trained first where none is given; at least 1.</summary>
        public int SegmenterEpochs { get; set; } = 20;

        /// <summary>What is done to photos before the network learns from them; also to those of the <see cref="ValidationSet"/>.
        /// <see cref="PhotoPreprocessing.Vivid"/> takes its time while the data is read, about 5 microseconds a pixel of the working size.</summary>
        public PhotoPreprocessing PhotoPreprocessing { get; set; } = PhotoPreprocessing.None;

        /// <summary>The fitted model's <see cref="SynthesizeFromLabelsTransformer.ScoringBatchSize"/>: how many rows it paints at once.</summary>
        public int ScoringBatchSize { get; set; } = SynthesizeFromLabelsTransformer.DefaultScoringBatchSize;

        /// <summary>The fitted model's <see cref="SynthesizeFromLabelsTransformer.StoresHalfPrecision"/>: whether its weights are saved as float16.</summary>
        public bool StoresHalfPrecision { get; set; }

        /// <summary>Seeds weights, order and mirroring; null: the seed of the <see cref="MLContext"/>, or 0.</summary>
        public int? Seed { get; set; }

        /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null: <see cref="MLContext.GpuDeviceId"/>, or the CPU.</summary>
        public string? Device { get; set; }

        /// <summary>Whether the CPU serves when the GPU asked for is not there; null: <see cref="MLContext.FallbackToCpu"/>.</summary>
        public bool? FallbackToCpu { get; set; }

        /// <summary>Is told of every training step, on the thread that fits. Exceptions end the training.</summary>
        public Action<SynthesisProgress>? Progress { get; set; }

        /// <summary>Is told of every step in which a segmentation network is trained first; see <see cref="SegmenterPath"/>. Its loss is in nats.</summary>
        public Action<TrainingProgress>? SegmenterProgress { get; set; }

        /// <summary>
        /// Pairs that are not learned from, with the same columns as the training data: after every epoch the network is measured
        /// on them. The model is then that of the epoch with the least validation loss, not of the last one. Null: none, and the
        /// model is the last state. It is read once per fit, and kept in memory like the training data.
        /// </summary>
        /// <remarks>
        /// The loss is the training's, with the same weights of the layers, averaged over the set, none mirrored. It is in the
        /// progress (<see cref="TrainingProgress.ValidationLoss"/>), in the log, and in the model's <see cref="TrainingRecord"/>. Once the weights
        /// are rescaled (<see cref="LayerWeights"/>), losses from before do not compare, and the best epoch is one of those after.
        /// </remarks>
        public IDataView? ValidationSet { get; set; }

        /// <summary>
        /// After how many epochs in which the validation loss reaches no new minimum training ends, at least 1; null: never. Needs a
        /// <see cref="ValidationSet"/>. Nothing is remembered from one fit to the next. Where weights are rescaled (<see cref="LayerWeights"/>), epochs
        /// count from then on.
        /// </summary>
        public int? EarlyStoppingPatience { get; set; }

        /// <summary>
        /// Ends the training after the step in which this much time is spent; null: no limit. Reading the data does not count; time
        /// that a training spent before it was continued from a checkpoint does.
        /// </summary>
        public TimeSpan? TimeBudget { get; set; }

        /// <summary>
        /// Ends the training after the current step. <see cref="OnCancellation"/> says what <see cref="Fit"/> does then; when nothing
        /// was learned yet, it throws <see cref="OperationCanceledException"/>.
        /// </summary>
        public CancellationToken CancellationToken { get; set; }

        /// <summary>What becomes of a training that is cancelled: the model so far, or an <see cref="OperationCanceledException"/>.</summary>
        public CancellationPolicy OnCancellation { get; set; } = CancellationPolicy.BestSoFar;

        /// <summary>
        /// Where the training is kept while it runs, so that one that was cancelled, killed or failed can be continued: fit again with the
        /// same folder, data and options. Null: nowhere. The folder is made when it is not there; each training needs its own.
        /// </summary>
        /// <remarks>
        /// <para>The folder has the newest two checkpoints, each three times as large as the model's weights (with a validation set, and with an average of the weights, once more
        /// for each), and of an adversarial recipe three times the discriminator's, too; written whole or not at all. A damaged one is passed over, and one that cannot be written, on a full disk say, does not
        /// end the training; the log warns of both.</para>
        /// <para>On the CPU, with as many threads, a continued training gives the same model bit for bit as one that was never interrupted.
        /// <see cref="Epochs"/>, the time budget, the patience and the device may change in between. When another option or the data
        /// differs, <see cref="Fit"/> throws <see cref="InvalidOperationException"/> and says what.</para>
        /// <para>A training that comes to its end deletes its checkpoints, and the next fit begins anew; so cross-validation may use one
        /// folder for all folds. Unless <see cref="KeepCheckpoint"/> is set.</para>
        /// </remarks>
        public string? CheckpointFolder { get; set; }

        /// <summary>The longest time between two checkpoints, 5 minutes unless set; there is one after every epoch, too. Zero: after every step.</summary>
        public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

        /// <summary>
        /// Whether the last checkpoint stays when training comes to its end. The next fit then only loads it, or goes on if it has more
        /// <see cref="Epochs"/>. Delete the folder when the model is safe.
        /// </summary>
        public bool KeepCheckpoint { get; set; }

        /// <summary>
        /// A model file to start from instead of from chance, or null: a file that <c>mlContext.Model.Save</c> or <c>crn train</c> wrote.
        /// Each of its modules that the new network has in the same shape is copied, the others begin from chance; the log says which.
        /// So the model may be of another size. It should be of the same palette. From an imported model of the same architecture
        /// (<see cref="CrnCheckpointCatalog.LoadCrnCheckpoint"/>), Adam goes on from its moments, too, if the file is the one that was saved
        /// after the import: a model that was loaded and saved again has none, nor has one that was trained here.
        /// </summary>
        public string? WarmStartModelPath { get; set; }

        /// <summary>A model to start from like <see cref="WarmStartModelPath"/>, or null. It is not changed, and stays the caller's to dispose.</summary>
        public SynthesizeFromLabelsTransformer? WarmStartModel { get; set; }

        /// <summary>What <see cref="WarmStartModel"/> is called.</summary>
        internal string WarmStartName { get; set; } = "the given model";

        /// <summary>The folder to name again to continue, where <see cref="CheckpointFolder"/> is a stage's part of it.</summary>
        internal string? WholeCheckpointFolder { get; set; }

        /// <summary>The stages before that which these options are of.</summary>
        internal IReadOnlyList<StageRecord> EarlierStages { get; set; } = [];

        internal OutputColumns Output() => new(OutputColumnName, OutputKind, OutputImage, Architecture());

        internal LabelColumn LabelColumn(IExceptionContext context, DataViewSchema.Column column, string role, LabelEncoding encoding)
            => Data.LabelColumn.Of(context, column, role, new LabelDecoder(Palette, encoding, UnknownLabels), Architecture(), LabelFolder);

        internal Options Copy()
        {
            var copy = (Options)MemberwiseClone();
            if (Stages is not [.., { } last])
                return copy;
            copy.Stages = [.. Stages];
            (copy.Height, copy.Width, copy.Epochs) = (last.Height, last.Width, last.Epochs);
            return copy;
        }

        internal SynthesisArchitecture Architecture()
        {
            var architecture = SynthesisArchitecture.Of(Recipe.Network, Palette.ChannelCount, Height, Width) with
            {
                WidthFactor = WidthFactor,
                NoiseChannels = NoiseChannels,
                ImagesPerLayout = ImagesPerLayout,
            };
            return architecture is CrnArchitecture cascade ? cascade with { Modulation = Modulation } : architecture;
        }

        internal TrainingOptions Training(int seed) => new()
        {
            Epochs = Epochs,
            BatchSize = BatchSize,
            LearningRate = LearningRate,
            LearningRateDecay = LearningRateDecay,
            AverageDecay = AverageDecay,
            NoiseSamples = NoiseSamples,
            Objective = Recipe.Objective,
            SegmenterEpochs = SegmenterEpochs,
            Mirror = Mirror,
            ColourJitter = ColourJitter,
            NewestModules = TrainOnlyNewestModules,
            Precision = TrainingPrecision,
            PhotoFeatureMemory = PhotoFeatureMemory,
            PhotoFeatureFolder = PhotoFeatureFolder,
            GradientCheckpointing = GradientCheckpointing ?? false,
            Seed = seed,
            LayerWeights = LayerWeights,
            Diversity = Diversity,
            EarlyStoppingPatience = EarlyStoppingPatience,
            TimeBudget = TimeBudget,
            CheckpointFolder = CheckpointFolder,
            CheckpointInterval = CheckpointInterval,
            KeepCheckpoint = KeepCheckpoint,
        };

        internal void Validate(IExceptionContext context)
        {
            CheckName(context, nameof(OutputColumnName), OutputColumnName);
            CheckName(context, nameof(InputColumnName), InputColumnName);
            CheckName(context, nameof(PhotoColumnName), PhotoColumnName);
            if (Palette is null)
                throw context.Process(new ArgumentOutOfRangeException(nameof(Palette), "A palette is needed: LabelPalette.CamVid, LabelPalette.Load(file), ..."));
            if (Recipe is null)
                throw context.Process(new ArgumentOutOfRangeException(nameof(Recipe), $"A recipe is needed: one of Recipe.All ({string.Join(", ", Recipe.All)}), or your own."));
            CheckDefined(context, nameof(LabelEncoding), LabelEncoding);
            CheckDefined(context, nameof(UnknownLabels), UnknownLabels);
            CheckDefined(context, nameof(OnCancellation), OnCancellation);
            CheckDefined(context, nameof(OutputKind), OutputKind);
            CheckDefined(context, nameof(Perception), Perception);
            CheckPerception(context);
            CheckSegmenter(context);
            CheckDefined(context, nameof(PhotoPreprocessing), PhotoPreprocessing);
            CheckDefined(context, nameof(Diversity), Diversity);
            if (LayerWeights is null)
                throw context.Process(new ArgumentOutOfRangeException(nameof(LayerWeights), "Layer weights are needed: LayerWeighting.Calibrated, LayerWeighting.Paper(), ..."));
            if (Modulation != Modulation.None && Recipe.Network != NetworkKind.CascadedRefinement)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(Modulation), Modulation, $"Modulation is for cascaded refinement; the recipe {Recipe} has another network. Leave it out."));
            if (ValidationSet is not null && !Recipe.Objective.Measures)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(ValidationSet), $"The recipe {Recipe} has nothing to measure a ValidationSet by: its objective is adversarial alone."));
            if (EarlyStoppingPatience is not null && ValidationSet is null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(EarlyStoppingPatience), EarlyStoppingPatience, "EarlyStoppingPatience needs a ValidationSet to look at."));
            if (WarmStartModelPath is not null && WarmStartModel is not null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(WarmStartModelPath), WarmStartModelPath, "Start from WarmStartModelPath or from WarmStartModel, not from both."));
            SynthesizeFromLabelsTransformer.CheckScoringBatchSize(context, ScoringBatchSize);
            if (Stages is not null && TrainOnlyNewestModules is not null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(TrainOnlyNewestModules), TrainOnlyNewestModules, "With Stages, set TrainOnlyNewestModules of the stages where not all modules shall learn."));
            try
            {
                if (Stages is not null)
                    StagedTraining.Validate(this);
                Architecture().Validate();
                OutputColumns.Check(OutputImage, OutputKind, Architecture());
                Training(0).Validate();
                Training(0).CheckFor(Architecture());
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw context.Process(e);
            }
        }

        // Here already, as reading the data may take long.
        private void CheckPerception(IExceptionContext context)
        {
            if (PerceptionWeightsPath is null && Perception == PerceptionChoice.Vgg19 && !Vgg19Import.Exists)
                throw context.Process(new ArgumentOutOfRangeException(nameof(Perception), Perception, Vgg19Import.Missing));
            if (PerceptionEpochs < 1)
                throw context.Process(new ArgumentOutOfRangeException(nameof(PerceptionEpochs), PerceptionEpochs, "PerceptionEpochs must be at least 1."));
            if (PerceptionWeightsPath is not null && Perception is not (PerceptionChoice.Auto or PerceptionChoice.Vgg19))
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(PerceptionWeightsPath), PerceptionWeightsPath, $"PerceptionWeightsPath is for VGG-19, but Perception asks for {Perception}."));
            if (PerceptionWeightsPath is null && PerceptionNormalisation is not null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(PerceptionNormalisation), PerceptionNormalisation, "PerceptionNormalisation is for the weights in PerceptionWeightsPath, which is not set; of imported ones it is known."));
            if (PerceptionWeightsPath is not null && !File.Exists(PerceptionWeightsPath))
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(PerceptionWeightsPath), PerceptionWeightsPath, "The file of VGG-19's weights does not exist."));
        }

        private void CheckSegmenter(IExceptionContext context)
        {
            if (SegmenterPath is not null && Recipe.Objective.Segmentation == 0)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(SegmenterPath), SegmenterPath, $"The recipe {Recipe} has no use for a segmentation network."));
            if (SegmenterPath is not null && !File.Exists(SegmenterPath))
                throw context.Process(new ArgumentOutOfRangeException(nameof(SegmenterPath), SegmenterPath, "The file of the segmentation network does not exist."));
        }

        private static void CheckDefined<T>(IExceptionContext context, string option, T value) where T : struct, Enum
        {
            if (!Enum.IsDefined(value))
                throw context.Process(new ArgumentOutOfRangeException(option, value, $"{option} must be one of {string.Join(", ", Enum.GetNames<T>())}."));
        }

        private static void CheckName(IExceptionContext context, string option, string name)
        {
            if (string.IsNullOrWhiteSpace(name))
                throw context.Process(new ArgumentOutOfRangeException(option, $"{option} must name a column."));
        }
    }
}
